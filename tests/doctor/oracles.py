"""Vectors made without poolwise, and what a right diagnosis of them says.

A ``Setup`` says how vectors are made; ``vectors(folder, setup, texts)`` makes them with
transformers and torch; ``expected(setup)`` is what the doctor is to say of them, and
``same_as(setup)`` holds the readouts that give the same vectors by arithmetic and so are right too.
``draw(seed, family)`` is a Setup by chance.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from draws import draw
from safetensors.torch import load_file
from setups import CASED_FAMILIES, DEPTH, POOLER_FAMILIES, WIDTH, Setup, expected, same_as
from transformers import AutoModel, AutoTokenizer

__all__ = [
    "CASED_FAMILIES",
    "DEPTH",
    "POOLER_FAMILIES",
    "WIDTH",
    "Setup",
    "TorchEncoder",
    "draw",
    "encoder_of",
    "expected",
    "same_as",
    "vectors",
]

Padding = Literal["masked", "pooled", "attended"]
"""What becomes of padded positions: left out; read by the pool; attended to, and not pooled."""


def vectors(folder: Path, setup: Setup, texts) -> np.ndarray:
    """The vectors of ``texts``, [n, d], each text alone in its batch.

    A text that lacks what the pool reads (no token, no word, no such position) is all zeros before
    the steps, as it is where a masked sum is divided by at least 1e-9.
    """
    return encoder_of(folder).vectors(setup, texts)


@lru_cache(maxsize=32)
def encoder_of(folder: Path) -> TorchEncoder:
    return TorchEncoder(folder)


class TorchEncoder:
    """transformers' model and tokenizer of a folder, and the modules after pooling."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = AutoModel.from_pretrained(folder).eval()
        self._half = None
        self.tokenizers = {casing: AutoTokenizer.from_pretrained(folder) for casing in _CASINGS}
        kept = self.tokenizers["kept"].backend_tokenizer
        if type(kept.normalizer).__name__ == "BertNormalizer":
            kept.normalizer.lowercase = False
            kept.normalizer.strip_accents = False
        self.max_length = self.tokenizers["model"].model_max_length
        self.dense = read_dense(folder)

    @torch.no_grad()
    def vectors(self, setup, texts, *, batched=False, padding: Padding = "masked") -> np.ndarray:
        """See the function of this name; ``batched`` pads all texts to the longest of them."""
        windows = [self.tokens(setup, text) for text in texts]
        rows = [row for text in windows for row in text]
        batches = [rows] if batched else [[row] for row in rows]
        pooled = [self._pooled(setup, batch, padding) for batch in batches if batch]
        parts = torch.cat(pooled).split([len(text) for text in windows])
        means = torch.stack([part.mean(0) for part in parts])
        for step in setup.steps:
            means = self._step(step, means)
        return _rounded(means.numpy(), setup.precision)

    def tokens(self, setup: Setup, text: str):
        """The windows of a text, each its ids and which of them the tokenizer added."""
        text = setup.prompt + text
        tokenizer = self.tokenizers[setup.casing]
        unclosed = setup.special == "no closing"
        options = {
            "add_special_tokens": setup.special != "none",
            "return_special_tokens_mask": True,
            "truncation": True,
            "max_length": (setup.length or self.max_length) + unclosed,
            "return_overflowing_tokens": setup.long == "windows",
        }
        tokenizer.truncation_side = setup.side
        found = tokenizer([text.lower() if setup.casing == "lower" else text], **options)
        end = -1 if unclosed else None
        rows = zip(found["input_ids"], found["special_tokens_mask"], strict=True)
        return [(ids[:end], special[:end]) for ids, special in rows]

    def _pooled(self, setup, rows, padding):
        """The pooled vectors [n, d] of one padded batch."""
        longest = max(1, *(len(ids) for ids, _ in rows))
        ids = torch.full((len(rows), longest), self.tokenizers["model"].pad_token_id)
        mask, special = torch.zeros_like(ids), torch.ones_like(ids)
        for row, (row_ids, row_special) in enumerate(rows):
            ids[row, : len(row_ids)] = torch.tensor(row_ids, dtype=torch.long)
            mask[row, : len(row_ids)] = 1
            special[row, : len(row_ids)] = torch.tensor(row_special, dtype=torch.long)
        states, pooler = self._states(setup, ids, mask, padding)
        if padding == "pooled":
            mask = torch.ones_like(mask)
        if setup.pool == "pooler":
            return pooler
        layers = [states[number] for number in setup.layers]
        combined = torch.cat(layers, -1) if setup.combine == "concat" else sum(layers) / len(layers)
        if setup.pool.endswith("[words]"):
            mask = mask * (1 - special)
        return torch.stack(
            [pool(setup.pool, t[m > 0]) for t, m in zip(combined, mask, strict=True)]
        )

    def _states(self, setup, ids, mask, padding):
        empty = mask.sum(1) == 0
        seen = torch.ones_like(mask) if padding == "attended" else mask | empty[:, None]
        model = self._half_model() if setup.precision == "half" else self.model
        output = model(input_ids=ids, attention_mask=seen, output_hidden_states=True)
        pooler = getattr(output, "pooler_output", None)
        return [
            s.float() for s in output.hidden_states
        ], pooler if pooler is None else pooler.float()

    def _half_model(self):
        if self._half is None:
            self._half = AutoModel.from_pretrained(self.folder, dtype=torch.float16).eval()
        return self._half

    def _step(self, step, x):
        name, _, size = step.rstrip(")").partition("(")
        match name:
            case "l2":
                return torch.nn.functional.normalize(x, dim=1)
            case "truncate":
                return x[:, : int(size)]
            case "pooler":
                return torch.tanh(self.model.pooler.dense(x))
            case "affine":
                drawn = np.random.default_rng(7).normal(size=(x.shape[1] + 1, int(size)))
                weight, bias = torch.tensor(drawn, dtype=torch.float32).split([x.shape[1], 1])
                return x @ weight / x.shape[1] ** 0.5 + bias
            case "dense":
                assert self.dense, f"{self.folder} has no Dense module"
                for module in self.dense:
                    x = module(x)
                return x
        raise ValueError(step)


_CASINGS = ("model", "lower", "kept")


def read_dense(folder: Path):
    """What sentence-transformers does from the folder's first Dense to its last; [] without one."""
    path = folder / "modules.json"
    listed = json.loads(path.read_text()) if path.exists() else []
    kinds = [entry["type"].rpartition(".")[2] for entry in listed]
    places = [place for place, kind in enumerate(kinds) if kind == "Dense"]
    chosen = range(places[0], places[-1] + 1) if places else ()
    return [_module(kinds[place], folder / listed[place]["path"]) for place in chosen]


def _module(kind, folder):
    if kind == "Normalize":
        return lambda x: torch.nn.functional.normalize(x, dim=1)
    assert kind == "Dense", kind
    state = load_file(folder / "model.safetensors")
    weight, bias = state["linear.weight"], state.get("linear.bias")
    activation = json.loads((folder / "config.json").read_text())["activation_function"]
    apply = {"Tanh": torch.tanh, "Identity": lambda x: x}[activation.rpartition(".")[2]]
    return lambda x: apply(torch.nn.functional.linear(x, weight, bias))


def pool(name: str, tokens: torch.Tensor) -> torch.Tensor:
    """One vector of the token vectors [t, d]."""
    count = len(tokens)
    name = name.removesuffix("[words]")
    position = {"cls": 0, "sep": -1}.get(name)
    if name.startswith("token["):
        position = int(name[6:-1])
    if not count or (position is not None and not -count <= position < count):
        return torch.zeros(tokens.shape[1])
    if position is not None:
        return tokens[position]
    match name:
        case "mean":
            return tokens.mean(0)
        case "max":
            return tokens.max(0).values
        case "sqrtmean":
            return tokens.sum(0) / count**0.5
        case "wmean":
            weights = torch.arange(1, count + 1, dtype=torch.float32)
            return (weights[:, None] * tokens).sum(0) / weights.sum()
    raise ValueError(name)


def _rounded(x: np.ndarray, precision: str) -> np.ndarray:
    match precision:
        case "float16":
            return x.astype(np.float16)
        case "bfloat16":
            return torch.tensor(x).bfloat16().float().numpy()
        case "int8":
            return np.rint(x * (127 / (np.abs(x).max() or 1))).astype(np.int8)
        case "digits6":
            return np.array([[float(f"{value:.6g}") for value in row] for row in x])
        case "decimals3" | "decimals6":
            return x.astype(np.float64).round(int(precision[-1]))
        case "float32" | "half":
            return x
    raise ValueError(precision)
