"""Setups by chance."""

from __future__ import annotations

import random
from dataclasses import replace

from setups import CASED_FAMILIES, DEPTH, POOLER_FAMILIES, WIDTH, Setup

PROMPTS = ("query: ", "passage: ", "the cat sat on ", "Represent this sentence: ")
PRECISIONS = ["float16", "bfloat16", "int8", "digits6", "decimals6", "half"]


def draw(seed: int, family: str, depth: int = DEPTH, width: int = WIDTH) -> Setup:
    """A Setup by chance whose parts go together, for a tiny encoder of ``family`` or another one.

    Where ``needs_dense``, the folder needs Dense modules of ``width`` dimensions on ``width``.
    """
    by = random.Random(f"{family} {seed}")
    setup = replace(Setup(), **_drawn_pool(by, family, depth))
    setup = replace(setup, steps=_drawn_steps(by, family, setup, depth, width))
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


def _drawn_pool(by, family, depth) -> dict:
    """Layers, pool and added tokens: a row of the embeddings says nothing of its text."""
    if family in POOLER_FAMILIES and by.random() < 0.08:
        return {"layers": (depth,), "pool": "pooler"}
    special = by.choice(["all"] * 6 + ["none", "no closing"])
    pools = ["cls", "sep", "mean", "mean", "mean[words]", "max", "wmean", "sqrtmean"]
    chosen = by.choice([*pools, "token[1]", "token[-2]"] if special == "all" else pools)
    if special == "none":
        chosen = chosen.removesuffix("[words]")  # all tokens are words
    over_all = chosen in ("mean", "max", "wmean", "sqrtmean") and special == "all"
    lowest = 0 if over_all else 1
    numbers = list(range(lowest, depth + 1))
    kind = by.choice(["one", "one", "one", "avg", "concat"])
    if kind == "one":
        return {"layers": (by.choice(numbers),), "pool": chosen, "special": special}
    count = by.randint(2, len(numbers)) if kind == "avg" else 2
    layers = tuple(sorted(by.sample(numbers, count)))
    return {"layers": layers, "combine": kind, "pool": chosen, "special": special}


def _drawn_steps(by, family, setup, depth, width) -> tuple[str, ...]:
    single = len(setup.layers) == 1 or setup.combine == "avg"
    whole = width if single else width * len(setup.layers)
    size = (
        whole - by.choice([1, 2, 3]) * width // 4
    )  # of two layers, something of the second is left
    choices = [(), (), ("l2",), ("l2",), (f"truncate({size})",), (f"truncate({size})", "l2")]
    if setup.pool != "pooler" and single:
        choices += [("dense",), ("dense", "l2"), ("dense", "dense")]
        if family in POOLER_FAMILIES and setup.pool == "mean" and setup.layers == (depth,):
            choices += [("pooler",), ("pooler",)]
    return by.choice(choices)
