"""Whether contenders that one value ranks higher score higher.

Spearman's rho over the contenders says how well two orders agree. It has no interval here: noise in
the scores lowers it, so that no interval about it held the rho of the true scores in simulations
unless the contenders lay far apart (see benchmarks/results). The contrast of halves is a mean over
rows, and has the interval of one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from poolwise.statistics.estimate import is_constant

Array = NDArray[np.float64]

FEWEST = 3


def rank_correlation(values: ArrayLike, scores: ArrayLike) -> float | None:
    """Spearman's rho of two series [c], ties averaged; None where one is constant, or c below 3."""
    a, b = np.asarray(values, np.float64), np.asarray(scores, np.float64)
    if len(a) < FEWEST or is_constant(a) or is_constant(b):
        return None
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def upper_less_lower(values: ArrayLike) -> Array | None:
    """Weights [c] that take the mean of the contenders of the upper half by ``values`` [c] less
    that of the lower half; those at the median have none. None where the values are constant.
    """
    value = np.asarray(values, np.float64)
    if len(value) < FEWEST or is_constant(value):
        return None
    ranks = rankdata(value) - (len(value) + 1) / 2
    upper, lower = ranks > 0, ranks < 0
    return np.asarray(upper / upper.sum() - lower / lower.sum())
