"""Hubs: documents that are among the nearest of many more queries than others are.

N_k of a document counts the queries that have it among their k nearest (Radovanović, Nanopoulos &
Ivanović 2010, "Hubs in Space: Popular Nearest Neighbors in High-Dimensional Data"). The skewness
has an interval over queries, with the documents as they are. The other statistics depend on how
many queries there are, and have none: that of leaving queries out covered 96 to 100 % in
simulations, mostly more than 98.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference

Array = NDArray[np.float64]
Counts = NDArray[np.intp]

CLEAR, PRECISE = 3.0, 10.0
"""Standard errors by which the variance of p must exceed 0 for its skewness to be told, and for
that to have an interval: below, leaving queries out gave one that covered 97.5 to 98.8 %."""

EVEN = "no skewness: that documents differ at all is not clear from these queries"
FEW = "no interval: more queries are needed to tell how exact it is"


@dataclass(frozen=True, slots=True)
class OccurrenceSkewness:
    """``value`` from q queries, and each query's ``influence`` on it [q], of mean 0; NaN where the
    documents do not differ clearly. ``precise``: their variance is known well."""

    value: float
    influence: Array
    precise: bool = True

    @property
    def estimate(self) -> Estimate:
        """With its 95 % interval over queries, symmetric in its inverse hyperbolic sine: the
        sample's skewness is itself skewed."""
        if np.isnan(self.value):
            return Estimate(None, note=EVEN)
        if not self.precise:
            return Estimate(self.value, note=FEW)
        middle, quantile = np.arcsinh(self.value), float(t.ppf(0.975, len(self.influence) - 1))
        reach = quantile * _error(self.influence) / np.hypot(1, self.value)
        return Estimate(self.value, float(np.sinh(middle - reach)), float(np.sinh(middle + reach)))

    def less(self, other: OccurrenceSkewness) -> Difference:
        """The difference from that of the same queries, paired; where documents do not differ
        clearly nothing is a hub, and the skewness counts as 0."""
        mine, theirs = self._or_zero(), other._or_zero()
        error = _error(mine.influence - theirs.influence)
        return _difference(mine.value - theirs.value, error, len(self.influence))

    def less_independent(self, other: OccurrenceSkewness) -> Difference:
        """The difference from that of other queries."""
        mine, theirs = self._or_zero(), other._or_zero()
        error = float(np.hypot(_error(mine.influence), _error(theirs.influence)))
        return _difference(mine.value - theirs.value, error, len(self.influence))

    def _or_zero(self) -> OccurrenceSkewness:
        if np.isfinite(self.value):
            return self
        return OccurrenceSkewness(0.0, np.zeros(len(self.influence)))


def _difference(value: float, error: float, n: int) -> Difference:
    p = float(2 * t.sf(abs(value) / error, n - 1)) if error else float(value == 0)
    return Difference(Estimate.around(value, float(t.ppf(0.975, n - 1)) * error), p)


def k_occurrences(neighbours: ArrayLike, documents: int) -> Counts:
    """N_k of each document, [documents], from the indices of each query's nearest, [q, k]."""
    return np.bincount(np.asarray(neighbours).ravel(), minlength=documents)


def occurrence_skewness(neighbours: ArrayLike, documents: int) -> OccurrenceSkewness:
    """Skewness over the documents of the chance p to be among the k nearest of a query.

    That of N_k where queries are without number. Of few queries most N_k are 0 or 1, and their own
    skewness says so more than it tells of hubs; here the moments of p are estimated without bias by
    the factorial moments of N_k. Influences are by leaving each query out (the jackknife).
    """
    near = np.asarray(neighbours)
    q, k = near.shape
    if q < 4:
        return OccurrenceSkewness(np.nan, np.full(q, np.nan))
    counts = k_occurrences(near, documents).astype(np.float64)
    own = counts[near]
    second, third = counts * (counts - 1), counts * (counts - 1) * (counts - 2)
    less_second = second.sum() - 2 * (own - 1).sum(axis=1)
    less_third = third.sum() - 3 * ((own - 1) * (own - 2)).sum(axis=1)
    variance, value = _moments(q, k, documents, second.sum(), third.sum())
    variances, values = _moments(q - 1, k, documents, less_second, less_third)
    error = _error(_influence(variances))
    if not variance > CLEAR * error:
        return OccurrenceSkewness(np.nan, np.full(q, np.nan))
    return OccurrenceSkewness(float(value), _influence(values), bool(variance > PRECISE * error))


def unreached_share(neighbours: ArrayLike, documents: int) -> float:
    """Share of the documents that are among the k nearest of no query: antihubs, where queries are
    many."""
    return float((k_occurrences(neighbours, documents) == 0).mean())


def robin_hood(neighbours: ArrayLike, documents: int) -> float:
    """Share of all occurrences that would have to move for every document to have as many.

    Feldbauer, Leodolter, Plant & Flexer 2018, "Fast Approximate Hubness Reduction for Large
    High-Dimensional Data".
    """
    counts = k_occurrences(neighbours, documents)
    return float(np.abs(counts - counts.mean()).sum() / (2 * counts.sum()))


def largest_share(neighbours: ArrayLike, documents: int) -> float:
    """Share of the queries that have the document of the largest N_k among their k nearest."""
    return float(k_occurrences(neighbours, documents).max() / len(np.asarray(neighbours)))


def _moments(q: int, k: int, documents: int, second: Array, third: Array) -> tuple[Array, Array]:
    """Variance and skewness of p, from the sums of N (N − 1) and N (N − 1) (N − 2)."""
    mean = k / documents
    square = np.asarray(second, np.float64) / (documents * q * (q - 1))
    cube = np.asarray(third, np.float64) / (documents * q * (q - 1) * (q - 2))
    variance = square - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return variance, np.asarray((cube - 3 * mean * square + 2 * mean**3) / variance**1.5)


def _influence(left_out: Array) -> Array:
    return np.asarray((len(left_out) - 1) * (left_out.mean() - left_out))


def _error(influence: Array) -> float:
    n = len(influence)
    return float(np.sqrt(np.sum(influence**2) / (n - 1) / n))
