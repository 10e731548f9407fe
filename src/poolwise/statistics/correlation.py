"""How two series go together: Pearson, Spearman and the straight line, with intervals.

Intervals rest on each row's influence on the statistic (the infinitesimal jackknife; Jaeckel 1972,
Efron 1982), so they assume neither normal data nor equal variances. Correlations are bounded on
Fisher's z scale, where they are closer to normal. ``groups`` names rows that are not independent
(see ``clusters``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, t

from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import Estimate, is_constant

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Ordinary least squares of y on x. ``slope`` is in units of y a unit of x."""

    slope: Estimate
    intercept: Estimate
    r2: Estimate


def pearson(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Pearson's r of two series [n]."""
    a, b = _pair(x, y)
    if is_constant(a) or is_constant(b):
        return Estimate.constant()
    r, influence = pearson_influence(a, b)
    return fisher_interval(r, influence, groups)


def spearman(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Spearman's rho of two series [n]; ties share their average rank."""
    a, b = _pair(x, y)
    if is_constant(a) or is_constant(b):
        return Estimate.constant()
    rho, influence = spearman_influence(a, b)
    return fisher_interval(rho, influence, groups)


def linear_regression(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> LinearFit:
    """The line of y on x, two series [n].

    Slope and intercept have intervals that allow for unequal variances (White 1980, with the
    small-sample factor n / (n − 2)); R² is Pearson's r squared, and so is its interval.
    """
    a, b = _pair(x, y)
    if is_constant(a) or is_constant(b):
        return LinearFit(*[Estimate.constant()] * 3)
    centred = a - a.mean()
    slope = float(centred @ b / (centred @ centred))
    intercept = float(b.mean() - slope * a.mean())
    residual = b - intercept - slope * a
    on_slope = centred * residual / np.mean(centred**2)
    return LinearFit(
        _student(slope, on_slope, groups),
        _student(intercept, residual - a.mean() * on_slope, groups),
        pearson(a, b, groups).squared,
    )


def spearman_influence(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """rho, and each row's influence on it, [n] with mean 0.

    A row moves rho by its own product of ranks, and by moving every other row's rank. To resample
    or pair the influences is to resample or pair rho itself, without ranking anew.
    """
    a, b = _pair(x, y)
    f, g = _centred_ranks(a), _centred_ranks(b)
    scale = float(np.sqrt(np.mean(f**2) * np.mean(g**2)))
    rho = float(np.mean(f * g)) / scale
    both = _product_influence(a, f, b, g) / scale
    alone = _product_influence(a, f, a, f) / np.mean(f**2)
    alone += _product_influence(b, g, b, g) / np.mean(g**2)
    return rho, both - rho / 2 * alone


def pearson_influence(a: Array, b: Array) -> tuple[float, Array]:
    """r, and each row's influence on it, as ``spearman_influence`` has it."""
    za, zb = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    r = float(np.mean(za * zb))
    return r, za * zb - r / 2 * (za**2 + zb**2)


def _centred_ranks(x: Array) -> Array:
    """Ranks in (-1/2, 1/2), ties averaged; their mean is 0."""
    ranks = np.asarray(rankdata(x), np.float64)
    return (ranks - 0.5) / len(x) - 0.5


def _product_influence(a: Array, f: Array, b: Array, g: Array) -> Array:
    """Influence on the mean of f·g, where f and g are the centred ranks of a and b."""
    influence = f * g + _by_moving_ranks(a, g) + _by_moving_ranks(b, f)
    return np.asarray(influence - influence.mean())


def _by_moving_ranks(x: Array, weight: Array) -> Array:
    """Mean of ``weight`` over the rows that stand above each row in x, ties counting half."""
    _, at = np.unique(x, return_inverse=True)
    own = np.bincount(at, weights=weight)
    from_here_up = np.cumsum(own[::-1])[::-1]
    return (from_here_up - own / 2)[at] / len(x)


def fisher_interval(r: float, influence: Array, groups: ArrayLike | None = None) -> Estimate:
    """An interval for a correlation, symmetric in arctanh r."""
    r = min(max(r, -1.0), 1.0)
    free = 1 - r**2
    if free < 1e-12:
        return Estimate(r, r, r)
    reach = _reach(influence, groups) / free
    if not np.isfinite(reach):
        return Estimate.around(r, reach)
    return Estimate(r, float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach)))


def _student(value: float, influence: Array, groups: ArrayLike | None) -> Estimate:
    return Estimate.around(value, _reach(influence, groups))


def _reach(influence: Array, groups: ArrayLike | None) -> float:
    """Half of the 95 % interval of a statistic whose rows have these influences."""
    error, degrees = standard_error(influence[:, None], groups, ddof=2)
    return float(t.ppf(0.975, degrees) * error[0])


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 3:
        raise ValueError(f"series of {a.shape} and {b.shape}; expected two [n] with n of 3 or more")
    return a, b
