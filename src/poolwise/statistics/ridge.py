"""Ridge regression, cross-validated exactly from each fold's moments: no row is kept.

How well a vector predicts a number, honestly: the penalty for each held-out fold is chosen on the
other folds only, by leaving out one of them after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.statistics.estimate import Estimate
from poolwise.statistics.moments import Moments
from poolwise.statistics.regression_moments import RegressionMoments

Array = NDArray[np.float64]

PENALTIES: tuple[float, ...] = tuple(10.0**k for k in range(-6, 3))
"""Penalties a row: scikit-learn's ``alpha`` divided by the number of training rows.

Features are standardised, so a feature alone is shrunk by 1 / (1 + penalty).
"""


@dataclass(frozen=True, slots=True)
class CrossValidatedR2:
    """One target: ``r2`` over all held-out rows, and the penalty chosen for each fold."""

    r2: Estimate
    penalties: tuple[float, ...] = ()


def nested_cross_validation(
    folds: Sequence[Moments], targets: int = 1, penalties: Sequence[float] = PENALTIES
) -> list[CrossValidatedR2]:
    """Nested cross-validation of a ridge from all features to each target.

    The last ``targets`` columns of the moments are the targets, the others the features. Features
    are centred and standardised on the training folds, the intercept is not penalised. R² is
    1 − Σ(y − ŷ)² / Σ(y − ȳ)², pooled over the held-out folds, with ȳ the mean of the training
    folds: 0 says no better than that mean, and it can fall below. Folds without rows are left out;
    at least three must hold some.

    Equal to refitting scikit-learn's ``Ridge`` on the rows, at K(K − 1)/2 Cholesky decompositions a
    penalty for K folds: what is trained without folds f and g serves both f's choice and g's.
    """
    filled = [fold for fold in folds if fold.n]
    if len(filled) < 3:
        raise ValueError(f"{len(filled)} folds hold rows; a nested cross-validation needs three")
    d = len(filled[0].mean) - targets
    fold_moments = [RegressionMoments.of(fold, d) for fold in filled]
    total = RegressionMoments.of(Moments.merged(filled), d)
    penalties_ = np.array(penalties)
    chosen = penalties_[_inner_errors(total, fold_moments, penalties_).argmin(axis=1)]
    errors, totals = _outer_errors(total, fold_moments, chosen)
    no_features = not total.inverse_scale.any()
    return [
        CrossValidatedR2(Estimate.constant())
        if no_features or constant
        else CrossValidatedR2(_pooled_r2(errors[:, j], totals[:, j]), tuple(chosen[:, j].tolist()))
        for j, constant in enumerate(total.constant_targets)
    ]


def _squared_error(part: RegressionMoments, trained: RegressionMoments, weights: Array) -> Array:
    """Σ(y − ŷ)² over the part's rows under weights [d, …, m] trained elsewhere; […, m]."""
    flat = weights.reshape(len(weights), -1)
    explained = (flat * (part.xx @ flat)).sum(axis=0).reshape(weights.shape[1:])
    shared = np.einsum("d...m,dm->...m", weights, part.xy)
    shift = (part.x_mean - trained.x_mean) @ flat
    bias = part.y_mean - trained.y_mean - shift.reshape(weights.shape[1:])
    return np.asarray(part.yy - 2 * shared + explained + part.n * bias**2)


def _inner_errors(
    total: RegressionMoments, fold_moments: Sequence[RegressionMoments], penalties: Array
) -> Array:
    """For each outer fold, penalty and target: squared error over the inner folds, [k, p, m]."""
    k, m = len(fold_moments), len(total.yy)
    errors = np.zeros((k, len(penalties), m))
    for f, g in combinations(range(k), 2):
        trained = total.less(fold_moments[f]).less(fold_moments[g])
        weights = trained.coefficients(penalties, trained.inverse_scale)
        errors[f] += _squared_error(fold_moments[g], trained, weights)
        errors[g] += _squared_error(fold_moments[f], trained, weights)
    return errors


def _outer_errors(
    total: RegressionMoments, fold_moments: Sequence[RegressionMoments], chosen: Array
) -> tuple[Array, Array]:
    """Squared error of the ridge, and of the training mean, on each held-out fold; both [k, m]."""
    errors, totals = np.empty(chosen.shape), np.empty(chosen.shape)
    for f, part in enumerate(fold_moments):
        trained = total.less(part)
        penalties, at = np.unique(chosen[f], return_inverse=True)
        weights = trained.coefficients(penalties, trained.inverse_scale)
        errors[f] = _squared_error(part, trained, weights[:, at, range(len(at))])
        totals[f] = _squared_error(part, trained, np.zeros_like(part.xy))
    return errors, totals


def _pooled_r2(errors: Array, totals: Array) -> Estimate:
    """R² over all folds; its interval from the delete-a-fold jackknife, t with k − 1 degrees.

    Efron & Tibshirani (1993), "An Introduction to the Bootstrap", ch. 11. The folds' models share
    training rows, so the interval is approximate: no unbiased estimate of this variance exists
    (Bengio & Grandvalet 2004). In simulations with 30 features and 100 to 3,000 rows, 95 %
    intervals held the R² of these models on new rows in 86 to 99 % of the runs, the mean R² over
    new training rows in 85 to 97 %; intervals from the held-out rows' influences in 80 to 98 % and
    79 to 99 %.
    """
    k = len(errors)
    r2 = 1 - errors.sum() / totals.sum()
    deleted = 1 - (errors.sum() - errors) / (totals.sum() - totals)
    spread = np.sqrt((k - 1) / k * ((deleted - deleted.mean()) ** 2).sum())
    reach = float(t.ppf(0.975, k - 1) * spread)
    return Estimate(float(r2), float(r2) - reach, min(float(r2) + reach, 1.0))
