"""Pools as weights over tokens.

A linear pool of a sentence of t tokens is a row of t weights: its vector is the weighted sum of the
hidden state's rows. A max needs a mask instead. Where a pool has no token to read, the weights are
NaN, and so is the vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.readouts import Pool, Weighting
from poolwise.records import Bools, Floats, TokenBatch


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

    def mask(self, pool: Pool) -> Bools:
        """The tokens that ``pool`` reads, where it reads several, bool [n, longest]."""
        return self.word if pool.facts.words_only else self.read


def _uniform(padded: Padded, mask: Bools) -> NDArray[np.floating]:
    count = mask.sum(1, keepdims=True).astype(np.float64)
    return np.where(count > 0, mask / np.maximum(count, 1), np.nan)


def _sqrt(padded: Padded, mask: Bools) -> NDArray[np.floating]:
    """1/√n, as sentence-transformers' mean_sqrt_len_tokens."""
    return np.asarray(mask / np.sqrt(mask.sum(1, keepdims=True)))


def _position(padded: Padded, mask: Bools) -> NDArray[np.floating]:
    """1, 2, … n, normalised, as sentence-transformers' weightedmean (SGPT)."""
    rising = mask * (padded.position + 1.0)
    return np.asarray(rising / rising.sum(1, keepdims=True))


WEIGHTINGS: Mapping[Weighting, Callable[[Padded, Bools], NDArray[np.floating]]] = {
    "uniform": _uniform,
    "sqrt": _sqrt,
    "position": _position,
}


def _row(padded: Padded, pool: Pool) -> NDArray[np.floating]:
    """1 at the row that is read; [CLS] is the first token that pools read."""
    assert pool.row is not None
    first = padded.unread if pool.kind == "cls" else 0
    index = np.where(pool.row < 0, padded.lengths + pool.row, first + pool.row)
    exists = (index >= 0) & (index < padded.lengths)
    return np.where(exists[:, None], (padded.position == index[:, None]).astype(np.float64), np.nan)


def _weights(padded: Padded, pool: Pool) -> NDArray[np.floating]:
    weighting = pool.facts.weighting
    if weighting is None:
        return _row(padded, pool)
    return WEIGHTINGS[weighting](padded, padded.mask(pool))


def weights(pools: Sequence[Pool], padded: Padded) -> Floats:
    """Float32 [n, len(pools), longest] for linear pools."""
    return np.stack([_weights(padded, pool) for pool in pools], axis=1).astype(np.float32)
