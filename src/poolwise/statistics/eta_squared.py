"""A curve without a shape: the mean of y in bins of x, judged on rows it has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.clusters import clusters
from poolwise.statistics.estimate import Estimate, is_constant

Array = NDArray[np.float64]

ROWS_A_BIN = 10
"""The fewest rows whose mean is worth having."""


def eta_squared(
    x: ArrayLike,
    y: ArrayLike,
    folds: NDArray[np.intp],
    groups: NDArray[np.intp] | None = None,
    *,
    seed: int = 0,
) -> list[list[Estimate]]:
    """Share of y's variance that the curve E[y | x] explains on held-out rows.

    ``x`` [n, s], ``y`` [n, m], ``folds`` [n]; the answer is a list of m for each of the s series.
    The correlation ratio eta² (Pearson 1905), cross-fitted: edges and means of the bins come from
    the other folds, and eta² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)² with ȳ the other folds' mean. So what has
    nothing to do with y comes out at 0 or a little below. The interval is a bootstrap of the
    held-out errors; it does not count the variation of the curve itself, which is small where bins
    are well filled. Rows of one of the ``groups`` [n], which must be in one fold, count as one.
    """
    series, targets = np.asarray(x, np.float64), np.asarray(y, np.float64)
    flat = np.zeros(len(targets))
    predictors = [flat, *series.T]
    errors = np.stack(
        [(targets - cross_fit(p, targets, folds, groups)) ** 2 for p in predictors], axis=1
    )
    draws = resampled_means(errors.reshape(len(errors), -1), groups, seed=seed)
    low, high = percentiles(_shares(draws.reshape(-1, *errors.shape[1:])))
    value = _shares(errors.mean(axis=0, keepdims=True))[0]
    defined = np.outer(_varying(series), _varying(targets))

    def estimate(i: int, j: int) -> Estimate:
        if not defined[i, j]:
            return Estimate.constant()
        return Estimate(float(value[i, j]), float(low[i, j]), float(high[i, j]))

    return [[estimate(i, j) for j in range(targets.shape[1])] for i in range(series.shape[1])]


def cross_fit(
    x: Array, y: Array, folds: NDArray[np.intp], groups: NDArray[np.intp] | None = None
) -> Array:
    """E[y | x] at each row, from the rows of the other folds. ``x`` [n], ``y`` [n, m]; [n, m]."""
    fitted = np.empty(y.shape)
    for fold in np.unique(folds):
        held_out = folds == fold
        grouping = clusters(None if groups is None else groups[~held_out])
        inner = bin_edges(x[~held_out], None if grouping is None else len(grouping))
        at = np.searchsorted(inner, x, side="right")
        means = _means(at[~held_out], y[~held_out], len(inner) + 1)
        fitted[held_out] = means[at[held_out]]
    return fitted


def bin_edges(x: Array, independent: int | None = None) -> Array:
    """Inner edges of bins with equal numbers of rows; a value on an edge belongs above it.

    2 n^(1/3) bins (the Rice rule): n^(1/3) is the rate at which the error of a mean by bins, the
    coarseness of the bins and the noise in them together, falls fastest. Where rows hang together,
    n is how many are ``independent``.
    """
    n = len(x) if independent is None else independent
    bins = max(2, int(min(2 * np.cbrt(n), n / ROWS_A_BIN)))
    return np.unique(np.quantile(x, np.arange(1, bins) / bins))


def _shares(errors: Array) -> Array:
    """1 − error / error of the mean; the mean's errors come first, [b, 1 + s, m] to [b, s, m]."""
    totals = errors[:, :1]
    return 1 - errors[:, 1:] / np.where(totals > 0, totals, 1)


def _varying(columns: Array) -> list[bool]:
    return [not is_constant(column) for column in columns.T]


def _means(at: NDArray[np.intp], y: Array, bins: int) -> Array:
    """Mean of y [n, m] in each bin, [bins, m]; in an empty bin the mean of all."""
    count = np.bincount(at, minlength=bins)[:, None]
    sums = np.stack([np.bincount(at, weights=column, minlength=bins) for column in y.T], axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), y.mean(axis=0))
