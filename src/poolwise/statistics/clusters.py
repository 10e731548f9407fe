"""Rows that are one piece of evidence: copies of a text, pairs that have a sentence in common.

An interval that counts them one by one is too narrow: of ten copies of each row, a 95 % interval
holds the truth in half of the runs. What is exact of independent rows stays so, number for number,
where no two rows hang together.

``groups`` names each row's cluster, [n]; or the two that it belongs to, [n, 2], as a pair belongs
to both of its sentences. Rows of a cluster may depend on each other in any way. The variance of a
mean is then that of the clusters' sums (Liang & Zeger 1986, "Longitudinal data analysis using
generalized linear models"); of pairs, what the sentences' sums give less what pairs of the same two
sentences are counted twice (Cameron, Gelbach & Miller 2011, "Robust inference with multiway
clustering"; Aronow, Samii & Assenova 2015, "Cluster-robust variance estimation for dyadic data"),
never less than what these pairs give alone. Sums about an estimated mean are too small, and of few
or uneven clusters worth few degrees of freedom: both are corrected as if a cluster's rows were one
(Bell & McCaffrey 2002, "Bias reduction in standard errors for linear regression with multi-stage
samples"), for pairs twice, once a sentence. In simulations with 60 clusters or more, 95 % intervals
so made held the mean in 94 to 96 % of runs; with pairs among 30 sentences in 93 to 98 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

MIN_DEGREES = 0.5
"""Degrees of freedom below which nothing can be told: Student's t has no use for less."""


@dataclass(frozen=True)
class Clusters:
    """n rows in g clusters: ``codes`` [n] are each row's, from 0 in order of their first rows."""

    codes: Rows

    @cached_property
    def sizes(self) -> Rows:
        """Rows of each cluster, [g]."""
        return np.bincount(self.codes)

    def __len__(self) -> int:
        return len(self.sizes)

    def sums(self, rows: Array) -> Array:
        """Of each cluster's rows of [n, c], [g, c]."""
        order = np.argsort(self.codes, kind="stable")
        starts = np.cumsum(self.sizes) - self.sizes
        return np.asarray(np.add.reduceat(rows[order], starts, axis=0))

    @cached_property
    def correction(self) -> float:
        """What the variance of the sums is multiplied by: g / (g − 1) where all are of one size."""
        p = self._powers
        return p[2] / (p[2] + p[2] ** 2 - 2 * p[3])

    @cached_property
    def degrees_of_freedom(self) -> float:
        """Of freedom: g − 1 where all are of one size."""
        p = self._powers
        trace = p[2] + p[2] ** 2 - 2 * p[3]
        square = p[4] + 2 * p[3] ** 2 + p[2] ** 4
        square += 4 * p[2] * p[4] - 4 * p[5] - 4 * p[2] ** 2 * p[3]
        return trace**2 / square

    @property
    def _powers(self) -> dict[int, float]:
        """Sums of powers of the clusters' shares of the rows."""
        shares = self.sizes / len(self.codes)
        return {k: float(np.sum(shares**k)) for k in range(2, 6)}


def clusters(groups: ArrayLike | None) -> Clusters | None:
    """The clusters that ``groups`` [n] names; None where every row is its own."""
    if groups is None:
        return None
    codes = factorize(np.asarray(groups))
    return None if len(codes) == codes.max(initial=-1) + 1 else Clusters(codes)


def factorize(names: ArrayLike) -> Rows:
    """The names as numbers from 0, in order of their first rows, [n]."""
    _, first, codes = np.unique(np.asarray(names), return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[codes.ravel()], np.intp)


def count_independent(groups: ArrayLike, marked: ArrayLike | None = None) -> Rows:
    """How many clusters hold a marked row of [n, c], [c]; by default all rows are marked once.

    Of pairs, how many could at most be disjoint.
    """
    labels = np.asarray(groups)
    rows = np.ones((len(labels), 1)) if marked is None else np.asarray(marked, np.float64)
    if labels.ndim == 1:
        return _holding(rows, labels)
    lower, upper = np.sort(factorize(labels.ravel()).reshape(-1, 2), axis=1).T
    pairs = _holding(rows, lower * 2 * len(labels) + upper)
    texts = _holding(np.repeat(rows, 2, axis=0), labels.ravel())
    return np.minimum(pairs, -(-texts // 2))


def _holding(rows: Array, names: ArrayLike) -> Rows:
    return np.asarray(np.sum(Clusters(factorize(names)).sums(rows) > 0, axis=0), np.intp)


def standard_error(
    influences: ArrayLike, groups: ArrayLike | None = None, *, ddof: int = 1
) -> tuple[Array, float]:
    """Of statistics on which rows have these influences [n, c], [c]; and the degrees of freedom.

    ``ddof`` counts the numbers estimated before: 1 for a mean, 2 for a line. Infinite where too few
    clusters are left to tell. Raises ValueError for groups of another length.
    """
    rows = np.asarray(influences, np.float64)
    n = len(rows)
    if groups is None:
        return np.sqrt(np.sum(rows**2, axis=0) / (n - ddof) / n), n - ddof
    labels = np.asarray(groups)
    if len(labels) != n or labels.ndim > 2 or labels.shape[1:] not in ((), (2,)):
        raise ValueError(f"groups of {labels.shape} for {n} rows; expected [n] or [n, 2]")
    if labels.ndim == 2:
        return _of_pairs(rows, labels, ddof)
    grouping = clusters(labels)
    if grouping is None:
        return standard_error(rows, ddof=ddof)
    return _error(np.sum(grouping.sums(rows) ** 2, axis=0), grouping, n, ddof)


def cluster_sums(influences: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """Sums of influences [n, c] that are independent of each other, or of pairs nearly, [g, c].

    Of pairs the sentences' sums: their products have the correlation of the statistics.
    """
    rows = np.asarray(influences, np.float64)
    if groups is None:
        return rows
    labels = np.asarray(groups)
    if labels.ndim == 1:
        return Clusters(factorize(labels)).sums(rows)
    both = np.repeat(rows, 2, axis=0)
    both[1::2][labels[:, 0] == labels[:, 1]] = 0
    return Clusters(factorize(labels.ravel())).sums(both)


def _of_pairs(rows: Array, labels: NDArray[np.generic], ddof: int) -> tuple[Array, float]:
    n = len(rows)
    members = factorize(labels.ravel()).reshape(n, 2)
    alone = members[:, 0] == members[:, 1]
    if members.max(initial=-1) + 1 + alone.sum() == 2 * n:
        return standard_error(rows, ddof=ddof)
    sentences = Clusters(members.ravel())
    both = np.repeat(rows, 2, axis=0)
    both[1::2][alone] = 0
    lower, upper = np.sort(members, axis=1).T
    same = Clusters(factorize(lower * len(sentences) + upper))
    twice = np.where(alone[:, None], 0, rows)
    shared = np.sum(sentences.sums(both) ** 2, axis=0) - np.sum(same.sums(twice) ** 2, axis=0)
    least = np.sum(same.sums(rows) ** 2, axis=0)
    if min(len(same), len(sentences)) > 1:
        shared = np.maximum(sentences.correction * shared, same.correction * least)
    return _error(np.maximum(shared, least), sentences, n, ddof)


def _error(square: Array, grouping: Clusters, n: int, ddof: int) -> tuple[Array, float]:
    """Of a mean, from the sum of its squared parts."""
    degrees = grouping.degrees_of_freedom - (ddof - 1) if len(grouping) > 1 else 0.0
    if degrees < MIN_DEGREES:
        return np.full(square.shape, np.inf), MIN_DEGREES
    small = grouping.correction * grouping.degrees_of_freedom / degrees
    return np.sqrt(small * square) / n, degrees
