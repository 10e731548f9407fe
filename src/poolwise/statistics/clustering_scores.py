"""How well clusters agree with labels: V-measure, and mutual information less what chance gives.

With n_lc rows of label l in cluster c, and n_l and n_c of their margins, the mutual information is
I = log n + Σ (n_lc log n_lc) / n − Σ (n_l log n_l) / n − Σ (n_c log n_c) / n, and the mean of both
entropies M = log n − Σ (n_l log n_l + n_c log n_c) / 2 n. The score is (I − E) / (M − E).

V-measure has E = 0 (Rosenberg & Hirschberg 2007, "V-Measure: a conditional entropy-based external
cluster evaluation measure"): the harmonic mean of homogeneity, I over the labels' entropy, and
completeness, I over the clusters', is I / M. Adjusted mutual information has for E what I is on
average with labels shuffled (Vinh, Epps & Bailey 2010, "Information theoretic measures for
clusterings comparison"). The values are scikit-learn's.

Each function gives ``(value, influence)``, the influence [n] with mean 0 and at the clusters given.
It is the jackknife's: a row moves the score by n − 1 times the score less the score without it, and
m copies of one text by (n − m) / m times that without them, each. The sums above make that as cheap
as the derivative, log (n_lc n / n_l n_c) − I for I, which is too small where many cells hold few
rows: with 100 rows of 10 labels its standard error of V-measure was 0.024 where scores of samples
varied by 0.032 and the jackknife's was 0.033. E depends on the sizes of labels and clusters, in
first order on their numbers alone, and is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from poolwise.statistics.clusters import factorize

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Score = tuple[float, Array]


def v_measure(labels: ArrayLike, clusters: ArrayLike, groups: ArrayLike | None = None) -> Score:
    """Harmonic mean of homogeneity and completeness, 0 … 1; above 0 for random clusters.

    ``labels``, ``clusters`` and ``groups``, which names copies, are any names, [n] each. NaN where
    all labels are the same.
    """
    return _Table.of(labels, clusters, groups).score(0.0)


def adjusted_mutual_information(
    labels: ArrayLike, clusters: ArrayLike, groups: ArrayLike | None = None
) -> Score:
    """Mutual information as a share of the mean entropy, both less what shuffled labels give: at
    most 1, and 0 on average for random clusters. Arguments as in ``v_measure``."""
    table = _Table.of(labels, clusters, groups)
    return table.score(table.expected_information())


@dataclass(frozen=True, slots=True)
class _Table:
    """Labels, clusters and groups of n rows, numbers from 0, [n] each."""

    labels: Codes
    clusters: Codes
    groups: Codes

    @classmethod
    def of(cls, labels: ArrayLike, clusters: ArrayLike, groups: ArrayLike | None) -> _Table:
        table = cls(
            factorize(labels),
            factorize(clusters),
            factorize(np.arange(len(np.asarray(labels))) if groups is None else groups),
        )
        shapes = [codes.shape for codes in (table.labels, table.clusters, table.groups)]
        if len(set(shapes)) > 1 or not len(table.labels):
            raise ValueError(f"labels, clusters and groups of {shapes}; expected three [n]")
        return table

    def score(self, expected: float) -> Score:
        """The score, with ``expected`` for E, and each row's influence."""
        n = len(self.labels)
        if not self.labels.any():
            return float("nan"), np.full(n, np.nan)
        cells = self.labels * (int(self.clusters.max()) + 1) + self.clusters
        cell, label, cluster = (self._sums(c) for c in (cells, self.labels, self.clusters))
        value = _ratio(cell[0], label[0], cluster[0], n, expected)
        sizes = np.bincount(self.groups)
        without = _ratio(cell[1], label[1], cluster[1], n - sizes, expected)
        moved = ((n - sizes) / sizes * (value - without))[self.groups]
        return float(value), np.asarray(moved - moved.mean())

    def _sums(self, codes: Codes) -> tuple[Array, Array]:
        """Σ m log m over the sizes m of ``codes`` [n], []; and the same without each group, [g]."""
        sizes = np.bincount(codes)
        both, counts = np.unique(self.groups * len(sizes) + codes, return_counts=True)
        group, code = np.divmod(both, len(sizes))
        whole, rest = sizes[code], sizes[code] - counts
        removed = np.bincount(group, weights=xlogy(whole, whole) - xlogy(rest, rest))
        total = np.asarray(xlogy(sizes, sizes).sum(), np.float64)
        return total, np.asarray(total - removed, np.float64)

    def expected_information(self) -> float:
        """The mutual information of labels and clusters of these sizes that have nothing in
        common, on average."""
        from sklearn.metrics.cluster import (  # noqa: PLC0415 - slow to import
            expected_mutual_information,
        )

        counts = np.zeros((int(self.labels.max()) + 1, int(self.clusters.max()) + 1), np.int64)
        np.add.at(counts, (self.labels, self.clusters), 1)
        return float(expected_mutual_information(counts, len(self.labels)))


def _ratio(cells: Array, labels: Array, clusters: Array, n: ArrayLike, expected: float) -> Array:
    """(I − E) / (M − E), from sums over the sizes; 0 where there is one label and one cluster."""
    rows = np.asarray(n, np.float64)
    log = np.log(np.maximum(rows, 1))
    information = log + (cells - labels - clusters) / np.maximum(rows, 1) - expected
    entropy = log - (labels + clusters) / 2 / np.maximum(rows, 1) - expected
    return np.divide(information, entropy, out=np.zeros_like(entropy), where=entropy > 1e-12)
