"""What a head is given of each word: one hidden state, or several to be mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.statistics.estimate import ROUNDING
from poolwise.studies.tagging.vectors import WordVectors

Rows = NDArray[np.intp]
Combine = Literal["one", "weighted sum", "concat"]


@dataclass(frozen=True, slots=True)
class LayerMix:
    """Which hidden states, and how they become one vector."""

    name: str
    layers: tuple[int, ...]
    combine: Combine = "one"


def table7(depth: int) -> list[LayerMix]:
    """The six mixes of Devlin et al. 2019 ("BERT", table 7) for an encoder of ``depth`` blocks.

    An encoder of fewer than four blocks has its "last four" in as many as there are.
    """
    few = min(4, depth)
    last = tuple(range(depth - few + 1, depth + 1))
    return [
        LayerMix("embeddings", (0,)),
        LayerMix("second to last", (depth - 1,)),
        LayerMix("last layer", (depth,)),
        LayerMix(f"weighted sum of the last {few}", last, "weighted sum"),
        LayerMix(f"concat of the last {few}", last, "concat"),
        LayerMix(f"weighted sum of all {depth}", tuple(range(1, depth + 1)), "weighted sum"),
    ]


@dataclass(frozen=True)
class Features:
    """Standardised vectors of words. ``read(k, rows)`` gives [n, d] of source k, as it is.

    Each dimension has mean 0 and variance 1 over the words ``learned`` from, so that no layer of a
    mix outweighs the others by its scale; a constant one is 0.
    """

    read: Callable[[int, Rows], Floats]
    sources: tuple[int, ...]
    combine: Combine
    learned: Rows
    _scales: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def layer(self, source: int, rows: Rows) -> Floats:
        """Float32 [n, d]."""
        if source not in self._scales:
            self._scales[source] = _scale(self.read(source, self.learned))
        mean, inverse = self._scales[source]
        return (self.read(source, rows) - mean) * inverse

    def layers(self, rows: Rows) -> Floats:
        """Every source, float32 [n, sources, d]."""
        return np.stack([self.layer(source, rows) for source in self.sources], axis=1)

    def mixed(self, rows: Rows) -> Floats:
        """One vector a word, float32 [n, d], d times the sources for ``concat``.

        A weighted sum has equal weights here: only a head that trains by gradient learns them.
        """
        if self.combine == "concat":
            return np.concatenate([self.layer(k, rows) for k in self.sources], axis=1)
        total = self.layer(self.sources[0], rows)
        for source in self.sources[1:]:
            total += self.layer(source, rows)
        return total / np.float32(len(self.sources))


def of_mix(words: WordVectors, mix: LayerMix, learned: Rows) -> Features:
    """Hidden states of each word's first token."""
    return Features(lambda k, rows: words.states[k][rows], mix.layers, mix.combine, learned)


def of_table(words: WordVectors, table: Floats, learned: Rows) -> Features:
    """The static embedding of each word's first token, ``table`` [vocabulary, d]."""
    return Features(lambda _, rows: table[words.first[rows]], (0,), "one", learned)


def _scale(x: Floats) -> tuple[Floats, Floats]:
    """Mean and 1 / standard deviation of each column, [d] each; 0 drops a constant one."""
    mean, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    square = mean**2 + spread**2
    varies = spread > ROUNDING * np.sqrt(np.maximum(square, square.mean()))
    inverse = np.where(varies, 1 / np.where(varies, spread, 1), 0)
    return mean.astype(np.float32), inverse.astype(np.float32)
