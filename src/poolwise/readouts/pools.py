"""Pools: how one vector is made of a sentence's token vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PoolKind = Literal[
    "cls",
    "sep",
    "token",
    "mean",
    "mean[words]",
    "max",
    "max[words]",
    "meanmax",
    "sqrtmean",
    "wmean",
    "pooler",
]

POOLS: dict[PoolKind, str] = {
    "cls": "the first token",
    "sep": "the last token",
    "token": "the token at a position: token[3] from the first (0), token[-2] from the last (-1)",
    "mean": "the mean over all tokens, special ones included",
    "mean[words]": "the mean over the tokens that are not special",
    "max": "the largest value in each dimension over all tokens",
    "max[words]": "the largest value in each dimension over the tokens that are not special",
    "meanmax": "mean and max side by side",
    "sqrtmean": "the sum over all n tokens divided by the square root of n",
    "wmean": "the mean over all tokens, the i-th (from 1) weighing i",
    "pooler": "tanh(W·cls@-1 + b), with the checkpoint's own W and b",
}


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. ``position`` belongs to ``token`` alone; a negative one counts from the last."""

    kind: PoolKind
    position: int | None = None

    def __str__(self) -> str:
        return self.kind if self.position is None else f"{self.kind}[{self.position}]"

    def width(self, hidden_size: int) -> int:
        """Dimensions of the vector pooled from one layer of ``hidden_size``."""
        return 2 * hidden_size if self.kind == "meanmax" else hidden_size
