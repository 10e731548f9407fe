"""How many bits the labels still cost somebody who has the vectors: online minimum description.

Accuracy says what a probe can find with all the labels; the code's length also counts how many
labels it needed to find it. Voita & Titov 2020, "Information-Theoretic Probing with Minimum
Description Length".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from poolwise.statistics.clusters import Clusters, clusters
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.logistic import STRENGTHS, LogisticModel

Array = NDArray[np.float64]

SHARES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
"""Where the paper's blocks end: each is coded by a probe trained on all rows before it."""


@dataclass(frozen=True, slots=True)
class Block:
    """``rows`` labels that cost ``bits``, coded by a probe that had ``seen`` so many before."""

    seen: int
    rows: int
    bits: float


@dataclass(frozen=True, slots=True)
class Codelength:
    """``bits`` for all labels; ``uniform``: what they cost one who knows nothing, n log₂ K.

    ``converged`` is False where the solver was stopped on some block.
    """

    bits: Estimate
    uniform: float
    blocks: tuple[Block, ...]
    converged: bool

    @property
    def compression(self) -> Estimate:
        """How many times shorter than ``uniform``: 1 is nothing learned, and it can fall below."""
        value, low, high = self.bits.value, self.bits.low, self.bits.high
        if not value or not low or not high:
            return Estimate(None, note="no bits")
        return Estimate(self.uniform / value, self.uniform / high, self.uniform / low)


def codelength(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> Codelength:
    """The online code of labels y [n] given vectors x [n, d], rows in a random order.

    The probe is a logistic regression. Its strength is sent first, log₂ of the number of
    ``strengths``, then the labels block by block. A probe trained on s rows says nothing of labels
    it has not met, and too much where s is small, so its probabilities are mixed with one row of
    each of the K labels, (s p + 1) / (s + K), Laplace's rule: no label costs more than log₂(s + K)
    bits, and the first block, s = 0, costs log₂ K a label as in the paper. K, the number of
    different labels in y, is taken as known. Blocks that would hold no row are left out. Rows of
    one of the ``groups`` [n] stand in one block: nobody learns from a copy what its label is.

    The 95 % interval of ``bits`` is of other rows in the same blocks; it does not count the order.
    ValueError if all labels are the same. The control is the code of shuffled labels: what still
    compresses these are their unequal frequencies, not the vectors.
    """
    classes, targets = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"{len(targets)} rows with one label; a code needs two labels")
    grouping = clusters(groups) or Clusters(np.arange(len(targets)))
    place = np.random.default_rng(seed).permutation(len(grouping))
    order = np.argsort(np.argsort(place)[grouping.codes], kind="stable")
    features, targets = np.asarray(x, np.float64)[order], targets[order]
    starts = _starts(grouping.sizes[place])
    codes = [_Code(features, targets, starts, len(classes), strength) for strength in strengths]
    shortest = min(codes, key=lambda code: code.bits.sum())
    total = float(shortest.bits.sum() + np.log2(len(codes)))
    variance = sum(
        _variance(bits, at)
        for bits, at in zip(
            shortest.cut(), np.split(grouping.codes[order], starts[1:]), strict=True
        )
    )
    reach = float(norm.ppf(0.975) * np.sqrt(variance))
    return Codelength(
        Estimate(total, max(total - reach, 0.0), total + reach),
        float(len(targets) * np.log2(len(classes))),
        tuple(
            Block(seen, len(b), float(b.sum()))
            for seen, b in zip(shortest.starts, shortest.cut(), strict=True)
        ),
        shortest.converged,
    )


class _Code:
    """The code at one strength: ``bits`` [n] of each label; where blocks start."""

    def __init__(
        self, x: Array, y: NDArray[np.intp], starts: list[int], classes: int, strength: float
    ) -> None:
        self.starts = starts
        self.bits = np.full(len(y), np.log2(classes))
        self.converged = True
        for start, end in zip(self.starts[1:], [*self.starts[2:], len(y)], strict=True):
            model = LogisticModel(x[:start], y[:start], strength)
            p = np.zeros((end - start, classes))
            p[:, model.classes.astype(np.intp)] = model.probabilities(x[start:end])
            true = p[np.arange(end - start), y[start:end]]
            self.bits[start:end] = -np.log2((start * true + 1) / (start + classes))
            self.converged &= model.converged

    def cut(self) -> Iterator[Array]:
        """The bits of each block."""
        yield from np.split(self.bits, self.starts[1:])


def _starts(sizes: NDArray[np.intp]) -> list[int]:
    """The first row of every block of clusters that hold so many rows each."""
    ends = np.unique(np.ceil(np.multiply(SHARES, len(sizes))).astype(int))
    return [0, *np.cumsum(sizes)[ends[:-1] - 1].tolist()]


def _variance(bits: Array, at: NDArray[np.intp]) -> float:
    """Of a block's sum, of rows in clusters ``at`` [n]."""
    own = clusters(at)
    if own is None:
        return float(len(bits) * bits.var())
    return float(np.sum(own.sums((bits - bits.mean())[:, None]) ** 2))
