"""Resampling rows by weights: a resample is a row of a matrix product.

Every statistic that is a function of means (a ratio of errors, a difference of two readouts' scores
on the same rows) is resampled by resampling those means. All columns share their weights, so what
is computed from one call is paired.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, poisson, t

from poolwise.statistics.clusters import MIN_DEGREES, Clusters, clusters

Array = NDArray[np.float64]

_BLOCK = 2048
"""Rows weighted at a time: 8 MB of weights for 1,000 resamples."""

_WEIGHT_OF = poisson.ppf((np.arange(1 << 16) + 0.5) / (1 << 16), 1).astype(np.float32)
"""Poisson(1) weight for each value of 16 random bits."""


def resampled_means(
    columns: ArrayLike, groups: ArrayLike | None = None, *, resamples: int = 1000, seed: int = 0
) -> Array:
    """Means of each column [n, c] in bootstrap resamples of the rows, [resamples, c].

    Rows of one group [n] are drawn together (see ``clusters``), and the means then spread as far as
    Student's t says of so few.

    Each row enters a resample Poisson(1) times, as it does, all but exactly, when n rows are drawn
    with replacement from many (Chamandy et al. 2012, "Estimating uncertainty for massive data
    streams"). Products are taken in float32 about the columns' means, sums in float64.
    """
    x = np.asarray(columns, np.float64)
    grouping = clusters(groups)
    if grouping is not None:
        return _of_clusters(x, grouping, resamples, seed)
    mean = x.mean(axis=0)
    spread = np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    rng = np.random.default_rng(seed)
    sums, counts = np.zeros((resamples, x.shape[1])), np.zeros(resamples)
    for start in range(0, len(x), _BLOCK):
        block = ((x[start : start + _BLOCK] - mean) / spread).astype(np.float32)
        bits = rng.integers(0, 1 << 16, (resamples, len(block)), np.uint16)
        weights = _WEIGHT_OF[bits]
        sums += weights @ block
        counts += weights.sum(axis=1, dtype=np.float64)
    return np.asarray(mean + spread * sums / np.maximum(counts, 1)[:, None])


def _of_clusters(x: Array, grouping: Clusters, resamples: int, seed: int) -> Array:
    """As of rows: a cluster has the sum of its own, and counts as many times."""
    mean = x.mean(axis=0)
    sums, rng = grouping.sums(x - mean), np.random.default_rng(seed)
    drawn, counts = np.zeros((resamples, x.shape[1])), np.zeros(resamples)
    for start in range(0, len(grouping), _BLOCK):
        block = slice(start, start + _BLOCK)
        bits = rng.integers(0, 1 << 16, (resamples, len(grouping.sizes[block])), np.uint16)
        weights = _WEIGHT_OF[bits].astype(np.float64)
        drawn += weights @ sums[block]
        counts += weights @ grouping.sizes[block]
    return np.asarray(mean + _wider(grouping) * drawn / np.maximum(counts, 1)[:, None])


def _wider(grouping: Clusters) -> float:
    """How much farther Student's interval of as many clusters reaches than resamples spread."""
    if len(grouping) < 2:
        return 1.0
    quantile = t.ppf(0.975, max(grouping.degrees_of_freedom, MIN_DEGREES)) / norm.ppf(0.975)
    return float(np.sqrt(grouping.correction) * quantile)


def percentiles(draws: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Lower and upper ends of the percentile interval over the first axis (Efron 1979)."""
    tail = (1 - level) / 2
    low, high = np.quantile(np.asarray(draws, np.float64), [tail, 1 - tail], axis=0)
    return low, high
