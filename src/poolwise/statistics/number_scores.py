"""How well numbers are predicted: R² and Spearman's rho.

Each is ``(value, influence)`` as in ``label_scores``, of predictions [n] and targets [n]. Both are
NaN where the score is undefined: the targets are constant, or for rho the predictions are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.correlation import spearman_influence
from poolwise.statistics.estimate import is_constant

Array = NDArray[np.float64]
Score = tuple[float, Array]


def r2(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)², which falls below 0 where ŷ is worse than the mean ȳ."""
    y = np.asarray(targets, np.float64)
    if is_constant(y):
        return _undefined(len(y))
    error = (y - np.asarray(predictions, np.float64)) ** 2
    deviation = (y - y.mean()) ** 2
    unexplained = float(error.mean() / deviation.mean())
    return 1 - unexplained, (unexplained * deviation - error) / deviation.mean()


def spearman(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Spearman's rho between predictions and targets."""
    predicted, y = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if is_constant(predicted) or is_constant(y):
        return _undefined(len(y))
    return spearman_influence(predicted, y)


def _undefined(n: int) -> Score:
    return float("nan"), np.full(n, np.nan)
