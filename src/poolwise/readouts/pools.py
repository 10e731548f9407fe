"""Pools: how one vector is made of a sentence's token vectors."""

from __future__ import annotations

from collections.abc import Sequence
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
    "joined",
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
"""Those that have a name; ``joined`` is written as several with a plus between, ``cls+mean``."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. ``position`` belongs to ``token`` alone; a negative one counts from the last.

    ``joined`` are the pools whose vectors stand side by side, of kind ``joined`` alone.
    """

    kind: PoolKind
    position: int | None = None
    joined: tuple[Pool, ...] = ()

    def __str__(self) -> str:
        if self.joined:
            return "+".join(map(str, self.joined))
        return self.kind if self.position is None else f"{self.kind}[{self.position}]"

    @property
    def parts(self) -> tuple[Pool, ...]:
        """The pools whose vectors stand side by side in this one's; most are their only part."""
        if self.kind == "meanmax":
            return (Pool("mean"), Pool("max"))
        return self.joined or (self,)

    @property
    def words_only(self) -> bool:
        """Whether some part leaves out the special tokens."""
        return any("[words]" in part.kind for part in self.parts)

    def width(self, hidden_size: int) -> int:
        """Dimensions of the vector pooled from one layer of ``hidden_size``."""
        return len(self.parts) * hidden_size


def join(pools: Sequence[Pool]) -> Pool:
    """The pools side by side as one: itself where there is one, ``meanmax`` for mean and max."""
    if len(pools) == 1:
        return pools[0]
    known = Pool("meanmax")
    return known if tuple(pools) == known.parts else Pool("joined", joined=tuple(pools))
