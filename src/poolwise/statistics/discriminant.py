"""A linear probe that also names what lies between: labels on a scale, or many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.moments import Moments
from poolwise.statistics.regression_moments import RegressionMoments
from poolwise.statistics.ridge import PENALTIES
from poolwise.statistics.ridge_probe import RidgeProbe, Scale

Array = NDArray[np.float64]


class Discriminant:
    """The penalised linear discriminant of folds of which only the moments are known.

    A ridge to one column a label, the largest one wins, is blind to labels whose mean lies between
    others' (Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", 4.2). A
    discriminant is not, and its weights follow from the ridge's: with the same penalty on the
    covariance within labels it is the same regression, read otherwise (Hastie, Buja & Tibshirani
    1995, "Penalized Discriminant Analysis"). The penalty is that of the ridge, from its exact
    cross-validation; the arguments are as ``RidgeProbe`` has them.
    """

    def __init__(
        self,
        folds: Sequence[Moments],
        targets: int,
        penalties: Sequence[float] = PENALTIES,
        scale: Scale = "none",
    ) -> None:
        ridge = RidgeProbe(folds, targets, penalties, scale)
        self.penalty = ridge.penalty
        total = RegressionMoments.of(
            Moments.merged(fold for fold in folds if fold.n), len(ridge.coefficients)
        )
        self._seen = np.flatnonzero(total.y_mean * total.n > 0.5)
        shares, centre = total.y_mean[self._seen], total.x_mean[:, None]
        means = centre + total.xy[:, self._seen] / (total.n * shares)
        slopes = ridge.coefficients[:, self._seen] / shares
        # Woodbury: the inverse of the covariance within labels from that of the whole.
        between = np.eye(len(shares)) - ((means - centre).T @ slopes) * shares
        weights = np.linalg.solve(between, slopes.T).T
        self._weights = weights
        self._bias = np.log(shares) - np.sum((means + centre) * weights, axis=0) / 2

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """The number of the likeliest label of rows [n, d], [n]."""
        scores = np.asarray(x, np.float64) @ self._weights + self._bias
        return np.asarray(self._seen[scores.argmax(axis=1)], np.intp)
