"""An encoder as transformers reads it: config.json, model.safetensors, the tokenizer's files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from poolwise.encoders import Encoder
from poolwise.encoders.modules.prompts import PROMPTS_CONFIG
from poolwise.encoders.modules.transformer_module import TransformerModule
from poolwise.encoders.tokenizer.added_tokens import SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG
from poolwise.encoders.tokenizer.settings import MAX_TOKENIZER_CONFIG
from poolwise.encoders.tokenizer.spec import SENTENCEPIECE_FILES
from poolwise.encoders.untrusted_files import read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.errors import needs
from poolwise.records import Floats
from poolwise.stores.tensors import saving

_TOKENIZER = (
    "tokenizer.json",
    TOKENIZER_CONFIG,
    SPECIAL_TOKENS_MAP,
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    *SENTENCEPIECE_FILES,
)

DIALECT = "3.0.0"
"""The first version of sentence-transformers that knows all keys that are written. Every version
warns of folders from a later one."""

# What only training asks for, and so is not among the values that were checked.
_FOR_TRAINING = (
    "initializer_range",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout_prob",
    "classifier_dropout",
    "dropout",
    "attention_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "seq_classif_dropout",
    "qa_dropout",
)

_OF_HEADS = ("id2label", "label2id", "_name_or_path")


def write_encoder(
    encoder: Encoder, folder: Path, source: TransformerModule, *, hidden_states: bool
) -> None:
    """Write ``encoder`` into ``folder``; ``source`` is the module that it was read from.

    ``hidden_states`` makes transformers hand out all of them. Raises MissingExtraError.
    """
    config = config_values(encoder, source.folder)
    if hidden_states:
        config["output_hidden_states"] = True
    write_json(folder / "config.json", config)
    write_tensors(folder, encoder.tensors)
    write_tokenizer(folder, encoder, source)


def write_tokenizer(folder: Path, encoder: Encoder, source: TransformerModule) -> None:
    """Write the tokenizer's files, those that ``source`` has, and how poolwise reads them.

    What the module itself says of the tokenizer goes into tokenizer_config.json, whose readers need
    no module. Padding goes to the right: to the left it would move the positions of all short
    texts, and their vectors would depend on their neighbours.
    """
    for name in _TOKENIZER:
        if (source.folder / name).is_file():
            shutil.copyfile(source.folder / name, folder / name)
    said = {
        **source.tokenizer,
        "model_max_length": encoder.max_length,
        "padding_side": "right",
        "truncation_side": encoder.tokenizer.truncation_side,
    }
    write_json(folder / TOKENIZER_CONFIG, {**_read(folder / TOKENIZER_CONFIG), **said})
    # The older file would stand above.
    if named := _read(folder / SPECIAL_TOKENS_MAP):
        write_json(
            folder / SPECIAL_TOKENS_MAP, {key: named[key] for key in named if key not in said}
        )


def _read(path: Path) -> dict[str, Any]:
    return read_object(path, MAX_TOKENIZER_CONFIG) if path.exists() else {}


def write_prompts(encoder: Encoder, folder: Path) -> None:
    """Write the prompts, the one in front of every text as their default, and the similarity."""
    prompts = encoder.prompts.with_default(encoder.prompt)
    made = {
        "__version__": {"sentence_transformers": DIALECT},
        "prompts": dict(prompts.texts),
        "default_prompt_name": prompts.default,
        "similarity_fn_name": encoder.similarity,
    }
    write_json(folder / PROMPTS_CONFIG, made)


def model_options(encoder: Encoder) -> dict[str, bool]:
    """What ``AutoModel.from_pretrained`` must be told, lest it make up a pooler at random."""
    lacks = bool(encoder.family.pooler) and not encoder.has_pooler
    return {"add_pooling_layer": False} if lacks else {}


def write_tensors(folder: Path, tensors: Mapping[str, Floats]) -> None:
    """Write model.safetensors beside the config.json in ``folder``, with its permissions."""
    with saving(folder / WEIGHTS):
        save_file(dict(tensors), folder / WEIGHTS, metadata={"format": "pt"})
    shutil.copymode(folder / "config.json", folder / WEIGHTS)


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def config_values(encoder: Encoder, source: Path) -> dict[str, Any]:
    """Every key that transformers knows of the family: not all readers have its defaults."""
    made = transformers_config(encoder, source).to_dict()
    checked = encoder.config.for_transformers()
    known = {key: value for key, value in made.items() if key not in _OF_HEADS}
    return {key: value for key, value in known.items() if value is not None or key in checked}


def transformers_config(encoder: Encoder, source: Path) -> Any:
    """transformers' own config of ``encoder``, with what only training asks for.

    That comes from config.json in the folder ``source``, or else is transformers' default. Raises
    MissingExtraError.
    """
    with needs("export", "writing a model's folder"):
        from transformers import AutoConfig  # noqa: PLC0415 - takes seconds
        from transformers.models.auto.modeling_auto import (  # noqa: PLC0415
            MODEL_MAPPING_NAMES,
        )

    values = encoder.config.for_transformers()
    vocabulary = range(encoder.config.vocab_size)
    for key, value in read_object(source / "config.json").items():
        if key in _FOR_TRAINING and type(value) in (int, float) and 0 <= value <= 1:
            values[key] = value
        if key in values and key.endswith("_token_id") and type(value) is int:
            values[key] = value if value in vocabulary else None
    made = AutoConfig.for_model(**values)
    made.architectures = [str(MODEL_MAPPING_NAMES[values["model_type"]])]
    made.dtype = "float32"
    return made
