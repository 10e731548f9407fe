"""Ridge regression at several penalties, from one decomposition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

from poolwise.statistics.ridge import PENALTIES

Array = NDArray[np.float64]


class RidgePath:
    """Trained on rows x [n, d] with numbers y [n], at each penalty.

    Equal to scikit-learn's ``Ridge`` with ``alpha`` = penalty x n x the features' mean variance, so
    that a penalty means the same for vectors of any size. The intercept is not penalised. Vectors
    that are all the same predict the mean of y.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike, penalties: Sequence[float] = PENALTIES) -> None:
        rows, numbers = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self._mean, self._intercept = rows.mean(axis=0), float(numbers.mean())
        centred = rows - self._mean
        covariance = centred.T @ centred / len(rows)
        scale = float(np.trace(covariance)) / len(covariance) or 1.0
        values, axes = eigh(covariance, driver="evd", overwrite_a=True, check_finite=False)
        along = axes.T @ (centred.T @ (numbers - self._intercept)) / len(rows)
        spread = values.clip(min=0)[:, None] + np.multiply(penalties, scale)
        self._coefficients: Array = axes @ (along[:, None] / spread)

    def predictions(self, x: ArrayLike) -> Array:
        """Of rows [m, d], at each penalty, [p, m]."""
        centred = np.asarray(x, np.float64) - self._mean
        return np.asarray((centred @ self._coefficients).T + self._intercept)
