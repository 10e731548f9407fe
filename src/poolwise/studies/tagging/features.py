"""The features of each word: one hidden state, or a mix of several layers'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.statistics.estimate import ROUNDING
from poolwise.studies.tagging.vectors import WordVectors

Combine = Literal["single", "weighted sum", "concat"]

_LEAST_SPREAD = 1e-37
"""Below it, 1 / spread is no float32."""


@dataclass(frozen=True, slots=True)
class LayerMix:
    """Layers, and how their hidden states are combined into one vector."""

    name: str
    layers: tuple[int, ...]
    combine: Combine = "single"


def table7_mixes(depth: int) -> list[LayerMix]:
    """The six mixes of Devlin et al. 2019 ("BERT", table 7) for an encoder of ``depth`` blocks.

    For an encoder of fewer than four blocks the "last four" are all of them.
    """
    n_last = min(4, depth)
    last = tuple(range(depth - n_last + 1, depth + 1))
    return [
        LayerMix("embeddings", (0,)),
        LayerMix("second to last", (depth - 1,)),
        LayerMix("last layer", (depth,)),
        LayerMix(f"weighted sum of the last {n_last}", last, "weighted sum"),
        LayerMix(f"concat of the last {n_last}", last, "concat"),
        LayerMix(f"weighted sum of all {depth}", tuple(range(1, depth + 1)), "weighted sum"),
    ]


@dataclass(frozen=True)
class Features:
    """Standardised vectors of words. ``load(k, rows)`` returns the raw vectors [n, d] of layer k.

    Each dimension has mean 0 and variance 1 over the ``train_rows``, so that no layer of a mix
    outweighs another by its scale; a constant dimension is 0.
    """

    load: Callable[[int, RowIndices], Floats]
    layers: tuple[int, ...]
    combine: Combine
    train_rows: RowIndices
    _scales: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def layer(self, layer: int, rows: RowIndices) -> Floats:
        """One layer, float32 [n, d]."""
        if layer not in self._scales:
            self._scales[layer] = _scale(self.load(layer, self.train_rows))
        mean, inverse = self._scales[layer]
        return (self.load(layer, rows) - mean) * inverse

    def stacked(self, rows: RowIndices) -> Floats:
        """Every layer, float32 [n, layers, d]."""
        return np.stack([self.layer(layer, rows) for layer in self.layers], axis=1)

    def mixed(self, rows: RowIndices) -> Floats:
        """One vector a word, float32 [n, d], d times the layers for ``concat``.

        A weighted sum has equal weights here: only a head that trains by gradient learns them.
        """
        if self.combine == "concat":
            return np.concatenate([self.layer(k, rows) for k in self.layers], axis=1)
        total = self.layer(self.layers[0], rows)
        for layer in self.layers[1:]:
            total += self.layer(layer, rows)
        return total / np.float32(len(self.layers))


def mix_features(words: WordVectors, mix: LayerMix, train_rows: RowIndices) -> Features:
    """The hidden states of each word's first token."""
    return Features(lambda k, rows: words.states[k][rows], mix.layers, mix.combine, train_rows)


def static_features(words: WordVectors, table: Floats, train_rows: RowIndices) -> Features:
    """The static embedding of each word's first token, ``table`` [vocabulary, d]."""
    return Features(lambda _, rows: table[words.first_ids[rows]], (0,), "single", train_rows)


def _scale(x: Floats) -> tuple[Floats, Floats]:
    """Mean and 1 / standard deviation of each column, [d] each; 0 for a constant column.

    Constant is judged by the column's own size, not by that of the others.
    """
    mean, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    varies = (spread > ROUNDING * np.hypot(mean, spread)) & (spread > _LEAST_SPREAD)
    inverse = np.where(varies, 1 / np.where(varies, spread, 1), 0)
    return mean.astype(np.float32), inverse.astype(np.float32)
