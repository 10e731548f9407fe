"""Pools as weights over tokens.

A linear pool of a sentence of t tokens is a row of t weights: its vector is the weighted sum of the
hidden state's rows. A max needs a mask instead. Where a pool has no token to read, the weights are
NaN, and so is the vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.plan import row_of
from poolwise.readouts import Pool
from poolwise.records import Bools, Floats, TokenBatch

Weigh = Callable[["Padded"], NDArray[np.floating]]


class Padded:
    """The masks of a token batch, padded to [n, longest].

    ``real`` bool [n, longest]: a token, not padding. ``read`` bool: a token that pools read, not of
    a prompt that is left out of pooling; ``word`` bool: a read token that the tokenizer did not add
    itself. ``unread`` [n] counts the tokens left out; ``position`` [longest].
    """

    def __init__(self, batch: TokenBatch) -> None:
        self.lengths = batch.lengths
        self.position = np.arange(int(self.lengths.max(initial=0)))
        self.real: Bools = self.position < self.lengths[:, None]
        self.unread = np.zeros_like(self.lengths) if batch.unread is None else batch.unread
        self.read: Bools = self.real & (self.position >= self.unread[:, None])
        self.word: Bools = np.zeros_like(self.real)
        self.word[self.real] = ~batch.special
        self.word &= self.read


def _mean(mask: Bools) -> NDArray[np.floating]:
    count = mask.sum(1, keepdims=True).astype(np.float64)
    return np.where(count > 0, mask / np.maximum(count, 1), np.nan)


def _sqrt_mean(p: Padded) -> NDArray[np.floating]:
    """Sum over sqrt(n), as sentence-transformers' mean_sqrt_len_tokens."""
    return np.asarray(p.read / np.sqrt((p.lengths - p.unread)[:, None]))


def _position_weighted(p: Padded) -> NDArray[np.floating]:
    """Weights 1, 2, … n, normalised, as sentence-transformers' weightedmean (SGPT)."""
    rising = p.read * (p.position + 1.0)
    return np.asarray(rising / rising.sum(1, keepdims=True))


def _row(p: Padded, pool: Pool) -> NDArray[np.floating]:
    position = row_of(pool)
    first = p.unread if pool.kind == "cls" else 0
    index = np.where(position < 0, p.lengths + position, first + position)
    exists = (index >= 0) & (index < p.lengths)
    return np.where(exists[:, None], (p.position == index[:, None]).astype(np.float64), np.nan)


LINEAR: Mapping[str, Weigh] = {
    "mean": lambda p: _mean(p.read),
    "mean[words]": lambda p: _mean(p.word),
    "sqrtmean": _sqrt_mean,
    "wmean": _position_weighted,
}

MASKS: Mapping[str, Callable[[Padded], Bools]] = {
    "max": lambda p: p.read,
    "max[words]": lambda p: p.word,
}


def weights(pools: Sequence[Pool], padded: Padded) -> Floats:
    """Float32 [n, len(pools), longest] for linear pools."""
    rows = [
        LINEAR[pool.kind](padded) if pool.kind in LINEAR else _row(padded, pool) for pool in pools
    ]
    return np.stack(rows, axis=1).astype(np.float32)
