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

PoolForm = Literal["row", "weights", "max", "pooler", "parts"]

Weighting = Literal["uniform", "sqrt", "position"]

PoolingMode = Literal[
    "cls_token",
    "max_tokens",
    "mean_tokens",
    "mean_sqrt_len_tokens",
    "weightedmean_tokens",
    "lasttoken",
]

POOLING_MODES: dict[PoolingMode, str] = {
    "cls_token": "cls",
    "max_tokens": "max",
    "mean_tokens": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "weightedmean_tokens": "weightedmean",
    "lasttoken": "lasttoken",
}
"""sentence-transformers' modes: the ends of the flags of older folders, ``pooling_mode_cls_token``,
and what newer ones set ``pooling_mode`` to. Pooling sets the vectors of several side by side in
this order."""


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What is known of one kind of pool.

    ``meaning``       what people read: in help texts and model cards.
    ``form``          how it is computed from token vectors [t, d]: ``row`` is one of them,
                      ``weights`` their weighted sum, ``max`` the largest value in each dimension,
                      ``pooler`` a row through the checkpoint's dense layer, ``parts`` other pools
                      side by side. All but ``max`` and ``pooler`` are linear.
    ``row``           the token that it reads; a negative one counts from the last. None for pools
                      of several tokens and for ``token``, whose position is part of its name.
    ``weighting``     of n tokens: ``uniform`` 1/n, ``sqrt`` 1/√n, ``position`` i/(1 + … + n).
    ``words_only``    whether it leaves out special tokens.
    ``parts``         the kinds that stand side by side in it.
    ``pooling_mode``  sentence-transformers' Pooling mode that gives it; None: none does.
    ``nearest``       where none does, the kind with a mode that comes nearest.
    ``fallback``      what is read in training, where every text needs a vector, of a text that
                      lacks what the pool reads; None where every text has it.
    """

    meaning: str
    form: PoolForm
    row: int | None = None
    weighting: Weighting | None = None
    words_only: bool = False
    parts: tuple[PoolKind, ...] = ()
    pooling_mode: PoolingMode | None = None
    nearest: PoolKind | None = None
    fallback: PoolKind | None = None


POOLS: dict[PoolKind, PoolFacts] = {
    "cls": PoolFacts("the first token", "row", row=0, pooling_mode="cls_token"),
    "sep": PoolFacts("the last token", "row", row=-1, pooling_mode="lasttoken"),
    "token": PoolFacts(
        "the token at a position: token[3] from the first (0), token[-2] from the last (-1)",
        "row",
        nearest="cls",
        fallback="sep",
    ),
    "mean": PoolFacts(
        "the mean over all tokens, special ones included",
        "weights",
        weighting="uniform",
        pooling_mode="mean_tokens",
    ),
    "mean[words]": PoolFacts(
        "the mean over the tokens that are not special",
        "weights",
        weighting="uniform",
        words_only=True,
        nearest="mean",
        fallback="mean",
    ),
    "max": PoolFacts(
        "the largest value in each dimension over all tokens", "max", pooling_mode="max_tokens"
    ),
    "max[words]": PoolFacts(
        "the largest value in each dimension over the tokens that are not special",
        "max",
        words_only=True,
        nearest="max",
        fallback="max",
    ),
    "meanmax": PoolFacts("mean and max side by side", "parts", parts=("mean", "max")),
    "sqrtmean": PoolFacts(
        "the sum over all n tokens divided by the square root of n",
        "weights",
        weighting="sqrt",
        pooling_mode="mean_sqrt_len_tokens",
    ),
    "wmean": PoolFacts(
        "the mean over all tokens, the i-th (from 1) weighing i",
        "weights",
        weighting="position",
        pooling_mode="weightedmean_tokens",
    ),
    "pooler": PoolFacts(
        "tanh(W·cls@-1 + b), with the checkpoint's own W and b",
        "pooler",
        row=0,
        pooling_mode="cls_token",
    ),
}
"""Every pool that has a name; ``joined`` is written as several with a plus, ``cls+mean``."""

POOL_OF_MODE: dict[PoolingMode, PoolKind] = {
    facts.pooling_mode: kind
    for kind, facts in POOLS.items()
    if facts.pooling_mode is not None and facts.form != "pooler"
}

_JOINED = PoolFacts("several pools side by side", "parts")


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
    def facts(self) -> PoolFacts:
        return POOLS.get(self.kind, _JOINED)

    @property
    def row(self) -> int | None:
        """The token that is read, negative from the last; None where several are."""
        return self.facts.row if self.position is None else self.position

    @property
    def parts(self) -> tuple[Pool, ...]:
        """The pools whose vectors stand side by side in this one's; most are their only part."""
        return self.joined or tuple(map(Pool, self.facts.parts)) or (self,)

    @property
    def words_only(self) -> bool:
        """Whether some part leaves out the special tokens."""
        return any(part.facts.words_only for part in self.parts)

    def width(self, hidden_size: int) -> int:
        """Dimensions of the vector pooled from one layer of ``hidden_size``."""
        return len(self.parts) * hidden_size


def join(pools: Sequence[Pool]) -> Pool:
    """The pools side by side as one: itself where there is one, ``meanmax`` for mean and max."""
    if len(pools) == 1:
        return pools[0]
    meanmax = Pool("meanmax")
    return meanmax if tuple(pools) == meanmax.parts else Pool("joined", joined=tuple(pools))
