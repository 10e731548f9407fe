"""Scores that depend on a random start too: pseudo-values that carry the seed's noise.

A score is worked out with s seeds. Its mean over them varies with the rows, as each row's influence
says, and with the seeds, by their scores' variance over s. What sees pseudo-values alone would miss
the latter, so it is laid on the rows: each row is given one of the seeds, in turn after a shuffle,
and that seed's deviation from the mean, scaled so that the variance of the mean over rows grows by
the variance of the mean over seeds. The deviations of two contenders meet seed by seed, so a
difference between them has the noise of its own differences.

The seeds' variance is counted twice. An influence holds the clusters fixed, but another sample of
rows moves where k-means ends, for all seeds alike, and s is small. In simulations of k-means (in
benchmarks/results/clustering-2026-11-28.md) what rows and seeds leave unsaid was 0 to 2 times the
seeds' variance: nothing where clusters lie apart, where intervals are then wider than they need be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.clusters import Clusters, factorize

Array = NDArray[np.float64]

COUNTED = 2
"""How often the variance of the mean over seeds is counted."""


def mean_over_seeds(
    values: ArrayLike, influences: ArrayLike, groups: ArrayLike | None = None
) -> Array:
    """Pseudo-values [n] whose mean is the mean of the scores ``values`` [s], from the influences
    [s, n] on each; ``groups`` [n] names rows that are copies."""
    scores, rows = np.asarray(values, np.float64), np.asarray(influences, np.float64)
    own = np.asarray(scores.mean() + rows.mean(axis=0), np.float64)
    if len(scores) == 1:
        return own
    noise = _noise(scores - scores.mean(), rows.shape[1], groups)
    return np.asarray(own + noise - noise.mean())


def _noise(deviations: Array, n: int, groups: ArrayLike | None) -> Array:
    grouping = Clusters(np.arange(n) if groups is None else factorize(groups))
    seeds = len(deviations)
    order = np.random.default_rng(0).permutation(len(grouping))
    by_group = deviations[order % seeds] / np.sqrt(grouping.sizes)
    return np.asarray(np.sqrt(COUNTED * n / (seeds - 1)) * by_group[grouping.codes])
