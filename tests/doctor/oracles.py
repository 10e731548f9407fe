"""Vectors made without poolwise, and what a right diagnosis of them says.

A ``Setup`` says how vectors are made; ``vectors(folder, setup, texts)`` makes them with
transformers and torch; ``expected(setup)`` is what the doctor is to say of them, and
``same_as(setup)`` holds the readouts that give the same vectors by arithmetic and so are right too.
``draw(seed, family)`` is a Setup by chance.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

DEPTH = 3
"""Blocks of the tiny encoders."""

WIDTH = 32
"""Dimensions of their token vectors."""

POOLER_FAMILIES = ("bert", "bert-cased", "roberta", "mpnet")
CASED_FAMILIES = ("bert-cased", "roberta", "modernbert")

Padding = Literal["masked", "pooled", "attended"]
"""What becomes of padded positions: left out; read by the pool; attended to, and not pooled."""


@dataclass(frozen=True)
class Setup:
    """How vectors are made of texts.

    ``layers``     Hugging Face's numbers, 0 the embeddings; several are combined.
    ``combine``    ``avg`` or ``concat``, of several layers.
    ``pool``       as poolwise writes it: cls, sep, mean, mean[words], max, max[words], wmean,
                   sqrtmean, pooler (reads the last block), token[k].
    ``steps``      after pooling: ``l2``; ``truncate(k)``; ``dense``, all modules from the folder's
                   first Dense to its last; ``pooler``, the checkpoint's own on the pooled vector;
                   ``affine(k)``, a random linear map to k dimensions that no file holds.
    ``special``    tokens that are added: ``all``, ``none``, or ``no closing``: [CLS] alone.
    ``prompt``     stands in front of each text.
    ``casing``     ``model``: as the tokenizer does it; ``lower``: lower-cased before;
                   ``kept``: a tokenizer that lower-cases is kept from it.
    ``length``     most tokens, added ones included; None: the model's own.
    ``side``       the end of a long text that is lost.
    ``long``       ``truncate``, or ``windows``: a long text is cut into windows of ``length``,
                   without overlap, whose pooled vectors are averaged before the steps.
    ``precision``  ``float32``; of the finished vectors: ``float16`` (so typed), ``bfloat16`` (its
                   values as float32), ``int8`` (one scale for all: 127 is the largest value),
                   ``digits6`` (significant digits), ``decimals6`` (both float64); ``half``: the
                   encoder computes in float16, the rest in float32.
    """

    layers: tuple[int, ...] = (DEPTH,)
    combine: Literal["avg", "concat"] = "avg"
    pool: str = "mean"
    steps: tuple[str, ...] = ()
    special: Literal["all", "none", "no closing"] = "all"
    prompt: str = ""
    casing: Literal["model", "lower", "kept"] = "model"
    length: int | None = None
    side: Literal["right", "left"] = "right"
    long: Literal["truncate", "windows"] = "truncate"
    precision: str = "float32"

    @property
    def needs_dense(self) -> bool:
        """Whether only a folder with Dense modules will do."""
        return "dense" in self.steps


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
            return np.rint(x * (127 / np.abs(x).max())).astype(np.int8)
        case "digits6":
            return np.array([[float(f"{value:.6g}") for value in row] for row in x])
        case "decimals6":
            return x.astype(np.float64).round(6)
        case "float32" | "half":
            return x
    raise ValueError(precision)


def _spec(pools: str, layers: str, steps) -> str:
    return "|".join([pools if pools == "pooler" else f"{pools}@{layers}", *steps])


def _layers(setup: Setup, combine: str) -> str:
    if len(setup.layers) == 1:
        return str(*setup.layers)
    return f"{combine}({','.join(map(str, setup.layers))})"


def expected(setup: Setup) -> dict[str, object]:
    """What a right diagnosis says; one of ``same_as(setup)`` is as right a ``readout``.

    ``readout`` is a spec of poolwise's grammar, or None where none expresses the steps: then
    ``pooled`` is right up to its last step that has a name. ``dense`` and ``pooler`` count how
    often each was applied to the pooled vector, ``affine`` is its width or None. The rest is as
    Setup says it; ``length`` and ``side`` are None where nothing but the model's limit cuts, on
    the usual side.
    """
    named = all(step in ("l2", "dense") or step.startswith("truncate") for step in setup.steps)
    known = named and setup.steps.count("dense") < 2
    layers = _layers(setup, setup.combine)
    sizes = [int(step[7:-1]) for step in setup.steps if step.startswith("affine")]
    return {
        "readout": _spec(setup.pool, layers, setup.steps) if known else None,
        "pooled": _spec(setup.pool, layers, ()),
        "dense": setup.steps.count("dense"),
        "pooler": setup.steps.count("pooler"),
        "affine": sizes[0] if sizes else None,
        "l2": "l2" in setup.steps[-1:],
        "special": setup.special,
        "prompt": setup.prompt,
        "casing": setup.casing,
        "length": setup.length,
        "side": setup.side,
        "long": setup.long,
        "precision": setup.precision,
    }


def same_as(setup: Setup, depth: int = DEPTH) -> set[str]:
    """Every spec that gives the same vectors as ``expected(setup)["readout"]``, itself included.

    Empty where that is None. Layers also count from the last; where only the direction is left,
    a sum is a mean; a row has two names; without added tokens all tokens are words.
    """
    if expected(setup)["readout"] is None:
        return set()
    if setup.pool == "pooler":
        return {_spec("pooler", "", steps) for steps in _same_steps(setup.steps)}
    linear = all(step == "l2" or step.startswith("truncate") for step in setup.steps)
    direction = linear and setup.steps[-1:] == ("l2",)
    pools = _same_pools(setup, direction and setup.long == "truncate")  # windows differ in length
    layers = _same_layers(setup, direction, depth)
    return {_spec(*parts) for parts in product(pools, layers, _same_steps(setup.steps))}


def _same_pools(setup: Setup, direction: bool) -> set[str]:
    groups = [{"cls", "token[0]"}, {"sep", "token[-1]"}]
    if setup.special == "none":
        groups += [{"mean", "mean[words]"}, {"max", "max[words]"}]
    pools = {setup.pool}.union(*(group for group in groups if setup.pool in group))
    if direction and pools & {"mean", "sqrtmean"}:
        pools |= {"mean", "sqrtmean"}
    return pools


def _same_layers(setup: Setup, direction: bool, depth: int) -> set[str]:
    names = [(str(k), str(k - depth - 1)) for k in setup.layers]
    names = [(*pair, "embeddings") if "0" in pair else pair for pair in names]
    if len(names) == 1:
        return set(names[0])
    combines = ["avg", "sum"] if direction and setup.combine == "avg" else [setup.combine]
    listed = {",".join(chosen) for chosen in product(*names)}
    if setup.layers == tuple(range(setup.layers[0], setup.layers[-1] + 1)):
        listed |= {f"{first}:{last}" for first, last in product(names[0], names[-1])}
    return {f"{combine}({items})" for combine, items in product(combines, listed)}


def _same_steps(steps: tuple[str, ...]) -> set[tuple[str, ...]]:
    """A norm divided out early does not show after a later l2, if nothing but a cut is between."""
    if steps[-1:] != ("l2",) or not all(s == "l2" or s.startswith("truncate") for s in steps):
        return {steps}
    cuts = tuple(step for step in steps if step != "l2")
    return {(*cuts, "l2"), *([("l2", *cuts, "l2")] if cuts else [])}


def draw(seed: int, family: str) -> Setup:
    """A Setup by chance whose parts go together, for a tiny encoder of ``family``.

    Where ``needs_dense``, the folder needs Dense modules of 32 dimensions on 32.
    """
    by = random.Random(f"{family} {seed}")
    setup = replace(Setup(), **_drawn_pool(by, family))
    plain = len(setup.layers) == 1 or setup.combine == "avg"
    width = WIDTH if plain else WIDTH * len(setup.layers)
    setup = replace(setup, steps=_drawn_steps(by, family, setup, width))
    if by.random() < 0.4:
        setup = replace(setup, prompt=by.choice(PROMPTS))
    if by.random() < 0.5:
        length, side = by.randint(12, 48), by.choice(["right", "right", "left"])
        long = by.choice(["truncate", "truncate", "truncate", "windows"])
        setup = replace(
            setup, length=length, side=side if long == "truncate" else "right", long=long
        )
    if by.random() < 0.15:
        setup = replace(setup, casing="lower" if family in CASED_FAMILIES else "kept")
    return replace(setup, precision=by.choice(["float32"] * 6 + PRECISIONS))


PROMPTS = ("query: ", "passage: ", "the cat sat on ", "Represent this sentence: ")
PRECISIONS = ["float16", "bfloat16", "int8", "digits6", "decimals6", "half"]


def _drawn_pool(by, family) -> dict:
    """Layers, pool and added tokens: a row of the embeddings says nothing of its text."""
    if family in POOLER_FAMILIES and by.random() < 0.08:
        return {"pool": "pooler"}
    special = by.choice(["all"] * 6 + ["none", "no closing"])
    pools = ["cls", "sep", "mean", "mean", "mean[words]", "max", "wmean", "sqrtmean"]
    chosen = by.choice([*pools, "token[1]", "token[-2]"] if special == "all" else pools)
    if special == "none":
        chosen = chosen.removesuffix("[words]")  # all tokens are words
    over_all = chosen in ("mean", "max", "wmean", "sqrtmean") and special == "all"
    lowest = 0 if over_all else 1
    numbers = list(range(lowest, DEPTH + 1))
    kind = by.choice(["one", "one", "one", "avg", "concat"])
    if kind == "one":
        return {"layers": (by.choice(numbers),), "pool": chosen, "special": special}
    count = by.randint(2, len(numbers)) if kind == "avg" else 2
    layers = tuple(sorted(by.sample(numbers, count)))
    return {"layers": layers, "combine": kind, "pool": chosen, "special": special}


def _drawn_steps(by, family, setup, width) -> tuple[str, ...]:
    size = width - by.choice([8, 16, 24])  # of two layers, something of the second is left
    choices = [(), (), ("l2",), ("l2",), (f"truncate({size})",), (f"truncate({size})", "l2")]
    if setup.pool != "pooler" and width == WIDTH:
        choices += [("dense",), ("dense", "l2"), ("dense", "dense")]
        if family in POOLER_FAMILIES and setup.pool == "mean" and setup.layers == (DEPTH,):
            choices += [("pooler",), ("pooler",)]
    return by.choice(choices)
