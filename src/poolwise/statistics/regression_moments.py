"""Moments cut into features and targets, as a regression needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from poolwise.statistics.estimate import ROUNDING
from poolwise.statistics.moments import Moments

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegressionMoments:
    """Of n rows, the means of d features (x) and m targets (y), and what they share.

    ``xx`` [d, d] and ``xy`` [d, m] are scatters about the means, ``yy`` [m] sums of squares.
    """

    n: int
    x_mean: Array
    y_mean: Array
    xx: Array
    xy: Array
    yy: Array

    @classmethod
    def of(cls, moments: Moments, d: int) -> Self:
        """The first d columns of ``moments`` are the features, the others the targets."""
        scatter, mean = moments.scatter, moments.mean
        yy: Array = np.diag(scatter)[d:]
        return cls(moments.n, mean[:d], mean[d:], scatter[:d, :d], scatter[:d, d:], yy)

    def less(self, part: RegressionMoments) -> Self:
        """What remains of the rows without those of ``part``, which are some of them."""
        n = self.n - part.n
        x_mean = (self.n * self.x_mean - part.n * part.x_mean) / n
        y_mean = (self.n * self.y_mean - part.n * part.y_mean) / n
        share = np.sqrt(n * part.n / self.n)
        x, y = (part.x_mean - x_mean) * share, (part.y_mean - y_mean) * share
        return type(self)(
            n,
            x_mean,
            y_mean,
            self.xx - part.xx - np.outer(x, x),
            self.xy - part.xy - np.outer(x, y),
            self.yy - part.yy - y**2,
        )

    def coefficients(self, penalties: Array, scale: Array) -> Array:
        """Ridge coefficients of the raw features for every penalty [p], [d, p, m].

        Features are multiplied by ``scale`` [d] first; a penalty is scikit-learn's alpha / n.
        """
        gram = np.asfortranarray(scale[:, None] * self.xx * scale / self.n)
        shared = scale[:, None] * self.xy / self.n
        solutions = np.empty((len(gram), len(penalties), shared.shape[1]))
        for i, penalty in enumerate(penalties):
            ridge = gram.copy(order="F")
            np.fill_diagonal(ridge, gram.diagonal() + penalty)
            solutions[:, i] = cho_solve(cho_factor(ridge, overwrite_a=True), shared)
        return scale[:, None, None] * solutions

    @property
    def inverse_scale(self) -> Array:
        """1 / standard deviation of each feature [d]; 0 drops a feature that is constant.

        Constant is judged by the feature's own size: a trained encoder may keep what matters in
        features that are a billion times smaller than the others.
        """
        variance = np.diag(self.xx) / self.n
        varies = variance > self._rounding
        return np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)), 0)

    @property
    def constant_targets(self) -> NDArray[np.bool_]:
        """Whether each target is constant, [m]."""
        variance = self.yy / self.n
        return variance <= ROUNDING**2 * (self.y_mean**2 + variance)

    @property
    def _rounding(self) -> Array:
        """The variance that rounding alone may leave in each feature, [d]."""
        square = self.x_mean**2 + np.diag(self.xx) / self.n
        return np.asarray(ROUNDING**2 * square)
