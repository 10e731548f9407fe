"""A linear probe that also names what lies between: labels on a scale, such as lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.statistics.folds import fold_of
from poolwise.statistics.moments import Moments
from poolwise.statistics.probe import RidgeProbe
from poolwise.studies.tasks import FOLDS

Array = NDArray[np.float64]
Classes = NDArray[np.intp]


class Discriminant:
    """The linear discriminant of rows x [n, d] with labels y [n] of 0 … ``labels`` − 1.

    A ridge to one column a label, the largest one wins, all but never names the middle of a scale
    (Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", 4.2). A
    discriminant does, and its weights follow from the ridge's: with the same penalty on the
    covariance within labels it is the same regression, read otherwise (Hastie, Buja & Tibshirani
    1995, "Penalized Discriminant Analysis"). The penalty comes from the ridge's exact
    cross-validation over five folds.
    """

    def __init__(self, x: Floats, y: Classes, labels: int) -> None:
        counts = np.bincount(y, minlength=labels)
        self._seen = np.flatnonzero(counts)
        shares = counts[self._seen] / len(y)
        means = np.stack([x[y == k].mean(axis=0, dtype=np.float64) for k in self._seen], axis=1)
        centre = (means @ shares)[:, None]
        slopes = _ridge(x, y, labels)[:, self._seen] / shares
        # Woodbury: the inverse of the covariance within labels from that of the whole.
        between = np.eye(len(shares)) - ((means - centre).T @ slopes) * shares
        weights = np.linalg.solve(between, slopes.T).T
        bias = np.log(shares) - np.sum((means + centre) * weights, axis=0) / 2
        self._weights, self._bias = weights.astype(np.float32), bias.astype(np.float32)

    def predict(self, x: Floats) -> Classes:
        """The likeliest label of rows [n, d], [n]."""
        return np.asarray(self._seen[np.argmax(x @ self._weights + self._bias, axis=1)])


def _ridge(x: Floats, y: Classes, labels: int) -> Array:
    """Coefficients [d, labels]."""
    folds = [Moments(x.shape[1] + labels) for _ in range(FOLDS)]
    of_row, one_hot = fold_of(np.arange(len(y)), FOLDS, 0), np.eye(labels)
    for fold, moments in enumerate(folds):
        own = of_row == fold
        moments.add(np.hstack([x[own], one_hot[y[own]]]))
    return RidgeProbe(folds, targets=labels).coefficients
