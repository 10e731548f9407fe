"""A linear probe made of moments: ridge to one column a class, the largest score wins.

One penalty serves all classes. It is chosen by k-fold cross-validation of the squared error, exact
for every penalty at the price of one eigendecomposition a fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

from poolwise.statistics.moments import Moments
from poolwise.statistics.regression_moments import RegressionMoments
from poolwise.statistics.ridge import PENALTIES

Array = NDArray[np.float64]

Scale = Literal["none", "standard"]


class RidgeProbe:
    """Trained on folds of rows of which only the moments are known.

    The last ``targets`` columns of the moments are the classes, one-hot (any numbers will do); the
    others are the d features. ``scale="standard"`` standardises each feature on the rows trained
    on, ``"none"`` divides all of them by one number, the root of their mean variance, which leaves
    the vectors as they are and lets a penalty mean the same for every readout. The penalty is
    scikit-learn's ``alpha`` a training row, on features so scaled; the intercept is not penalised.

    ``errors`` [p]: cross-validated squared error a row, summed over the classes, for each of
    ``penalties``; ``penalty``: the one of the least error, the larger of equals. ``coefficients``
    [d, m] and ``intercept`` [m] are those of that penalty, refitted on all folds, for features
    that are not scaled.

    Equal to refitting scikit-learn's ``Ridge`` on the rows. Folds without rows are left out; below
    two ValueError.
    """

    def __init__(
        self,
        folds: Sequence[Moments],
        targets: int,
        penalties: Sequence[float] = PENALTIES,
        scale: Scale = "none",
    ) -> None:
        filled = [fold for fold in folds if fold.n]
        if len(filled) < 2:
            raise ValueError(f"{len(filled)} folds hold rows; a cross-validation needs two")
        d = len(filled[0].mean) - targets
        self.penalties = tuple(sorted(penalties, reverse=True))
        total = RegressionMoments.of(Moments.merged(filled), d)
        fold_moments = [RegressionMoments.of(fold, d) for fold in filled]
        errors = [_errors(total.less(part), part, self.penalties, scale) for part in fold_moments]
        self.errors: Array = np.sum(errors, axis=0) / total.n
        self.penalty = self.penalties[int(self.errors.argmin())]
        chosen = np.array([self.penalty])
        self.coefficients: Array = total.coefficients(chosen, _SCALES[scale](total))[:, 0]
        self.intercept: Array = total.y_mean - total.x_mean @ self.coefficients

    def scores(self, x: ArrayLike) -> Array:
        """Of rows [n, d] for each class, [n, m]."""
        return np.asarray(np.asarray(x, np.float64) @ self.coefficients + self.intercept)

    def predict(self, x: ArrayLike) -> NDArray[np.intp]:
        """The number of the class of rows [n, d], [n]."""
        return np.asarray(self.scores(x).argmax(axis=1), np.intp)


_SCALES: dict[Scale, Callable[[RegressionMoments], Array]] = {
    "none": lambda split: split.inverse_common_scale,
    "standard": lambda split: split.inverse_scale,
}


def _errors(
    trained: RegressionMoments, part: RegressionMoments, penalties: Sequence[float], scale: Scale
) -> list[float]:
    """Squared error over the part's rows and all targets, for each penalty.

    Along the axes of the trained Gram, features scaled, the coefficients of a penalty are ``along``
    [d, m] with row i divided by values[i] + penalty. The error is a quadratic form in these d
    quotients, and no penalty enters its matrix.
    """
    by = _SCALES[scale](trained)
    gram = by[:, None] * trained.xx * by / trained.n
    values, vectors = eigh(gram, driver="evd", overwrite_a=True, check_finite=False)
    axes = by[:, None] * vectors
    along = axes.T @ trained.xy / trained.n
    square = (along @ along.T) * (axes.T @ part.xx @ axes)
    product = np.sum(along * (axes.T @ part.xy), axis=1)
    x_gap, y_gap = axes.T @ (part.x_mean - trained.x_mean), part.y_mean - trained.y_mean

    def error(penalty: float) -> float:
        shrunk = 1 / (values.clip(min=0) + penalty)
        bias = y_gap - (x_gap * shrunk) @ along
        within = part.yy.sum() - 2 * product @ shrunk + shrunk @ square @ shrunk
        return float(within + part.n * bias @ bias)

    return [error(penalty) for penalty in penalties]
