"""Tiny random encoders whose readouts can be told apart, and folders of modules after them.

In a random encoder all token vectors of a text grow alike from block to block, and so do texts.
Here attention is sharper and adds less to what a token was before.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

DOCTOR_FAMILIES = ("bert", "roberta", "distilbert", "modernbert")
POSITIONS = 128
"""Most tokens of a text, added ones included."""

_ATTENTION_OUTPUTS = (
    "attention.output.dense",  # BERT, RoBERTa
    "attention.out_lin",  # DistilBERT
    "attn.Wo",  # ModernBERT
    "attention.attn.o",  # MPNet
)


def write_distinct(source: Path, folder: Path, *, seed: int = 0, noise: float = 0.0) -> None:
    """The encoder of ``source`` with weights whose readouts differ, and POSITIONS as its limit.

    Another ``seed`` gives another model of the same tokenizer and shape. ``noise`` moves each
    weight by so many of its tensor's standard deviations, as training on would.
    """
    by = torch.Generator().manual_seed(seed)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    path = folder / "model.safetensors"
    state = load_file(path)
    for name, tensor in state.items():
        if "embeddings" in name and tensor.ndim == 2:
            tensor.mul_(0.4 if "position" in name or "token_type" in name else 2.0)
        elif any(f"{part}.weight" in name for part in _ATTENTION_OUTPUTS):
            tensor.mul_(0.5)
        elif name.startswith("pooler.") and name.endswith(".weight"):
            tensor.mul_(0.8)
        if seed:
            state[name] = tensor.flatten()[torch.randperm(tensor.numel(), generator=by)].reshape(
                tensor.shape
            )
        if noise:
            moved = torch.randn(tensor.shape, generator=by) * state[name].std()
            state[name] = state[name] + noise * moved
    save_file(state, path, {"format": "pt"})
    options = folder / "tokenizer_config.json"
    options.write_text(
        json.dumps(json.loads(options.read_text()) | {"model_max_length": POSITIONS})
    )


def save_modules(encoder: Path, folder: Path, *modules, prompts=None, default_prompt=None) -> None:
    """``encoder`` with modules after it, written by sentence-transformers.

    A module is one of Pooling's modes (``"mean"``, ``"cls"``, ``"lasttoken"``, …; several with
    ``+``), ``"Normalize"``, or ``("Dense", out_features, "Tanh" or "Identity")`` with random
    weights. ``prompts`` are {name: text}; ``default_prompt`` names one.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules as parts

    torch.manual_seed(3)
    made = [parts.Transformer(str(encoder))]
    width = made[0].get_embedding_dimension()
    for module in modules:
        if module == "Normalize":
            made.append(parts.Normalize())
        elif isinstance(module, str):
            made.append(parts.Pooling(width, tuple(module.split("+"))))
            width *= len(module.split("+"))
        else:
            _, out, activation = module
            dense = parts.Dense(width, out, activation_function=getattr(torch.nn, activation)())
            with torch.no_grad():
                dense.linear.weight.normal_(0.0, width**-0.5)
                dense.linear.bias.normal_(0.0, 0.3)
            made.append(dense)
            width = out
    whole = SentenceTransformer(
        modules=made, prompts=prompts, default_prompt_name=default_prompt, device="cpu"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a card without training data
        whole.save(str(folder), create_model_card=False)
