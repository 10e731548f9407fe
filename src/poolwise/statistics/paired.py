"""Many contenders on the same rows: what each scores, and who differs from whom.

A score enters as its value and every row's influence on it (see ``correlation``), so the influences
on a difference are the difference of the influences: the pairing is exact, however contenders go
together. p-values are read off Student's t and not counted among drawn resamples: of a thousand
draws none is rarer than 1/1000, and Holm over 150 contenders asks for 1/3000. A resample of
influences is a sum of independent terms, so its distribution need not be drawn to be known.
Rows that are not independent are named by ``groups`` (see ``clusters``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from poolwise.statistics.clusters import clusters, count_independent, standard_error
from poolwise.statistics.correlation import spearman_influence
from poolwise.statistics.estimate import ROUNDING, Estimate, is_constant
from poolwise.statistics.holm import holm

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """``value``: a contender's score less that of another, with its 95 % interval.

    ``p`` is two-sided and not adjusted; NaN where there is nothing to test: one of the scores is
    undefined, or both are the same contender's.
    """

    value: Estimate
    p: float


def mean_estimates(scores: ArrayLike, groups: ArrayLike | None = None) -> list[Estimate]:
    """The mean of each column of scores [n, c], with an interval that is right for shares too.

    Columns of zeros and ones (right or wrong) get the score interval of Wilson 1927, which holds
    near 0 and 1 where ± a multiple of the standard error does not; others Student's. In clusters
    Wilson's is that of the effective number of rows (Korn & Graubard 1998, "Confidence intervals
    for proportions with small expected number of positive counts estimated from survey data").
    """
    table = _table(scores)
    if not _hang_together(groups):
        return [_share(column) if _is_binary(column) else _mean(column) for column in table.T]
    means = table.mean(axis=0)
    errors, degrees = standard_error(table - means, groups)
    quantile = float(t.ppf(0.975, degrees))
    return [
        _effective_share(mean, error, len(column), degrees, quantile)
        if _is_binary(column)
        else Estimate.around(mean, quantile * error)
        for column, mean, error in zip(table.T, means.tolist(), errors.tolist(), strict=True)
    ]


def mean_differences(
    scores: ArrayLike, reference: int, groups: ArrayLike | None = None
) -> list[Difference]:
    """Mean of each column of scores [n, c] less the mean of column ``reference``, paired by row."""
    table = _table(scores)
    values = table.mean(axis=0)
    return paired_differences(values, table - values, reference, groups)


def spearman_differences(
    x: ArrayLike, y: ArrayLike, reference: int, groups: ArrayLike | None = None
) -> list[Difference]:
    """Spearman's rho of each column of x [n, c] with y [n], less that of column ``reference``."""
    return paired_differences(*spearman_influences(x, y), reference, groups)


def spearman_influences(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """rho of each column of x [n, c] with y [n], and the rows' influences: [c] and [n, c].

    NaN for what is constant.
    """
    table, target = _table(x), np.asarray(y, np.float64)
    values, influences = np.full(table.shape[1], np.nan), np.full(table.shape, np.nan)
    for i, column in enumerate(table.T):
        if not (is_constant(column) or is_constant(target)):
            values[i], influences[:, i] = spearman_influence(column, target)
    return values, influences


def paired_differences(
    values: ArrayLike, influences: ArrayLike, reference: int, groups: ArrayLike | None = None
) -> list[Difference]:
    """Scores [c], and the rows' influences on them [n, c], less those of ``reference``.

    NaN marks an undefined score. Raises ValueError below three rows.
    """
    scores, rows = np.asarray(values, np.float64), _table(influences)
    change, moved = scores - scores[reference], rows - rows[:, [reference]]
    error, degrees = standard_error(moved, groups)
    p = np.maximum(_student(change, error, degrees), least_p(change, moved, groups))
    p[reference] = np.nan
    reach = t.ppf(0.975, degrees) * error
    return [
        Difference(Estimate.constant(), np.nan)
        if np.isnan(d)
        else Difference(Estimate.around(d, r), p_value)
        for d, r, p_value in zip(change.tolist(), reach.tolist(), p.tolist(), strict=True)
    ]


def not_significantly_worse(
    differences: Sequence[Difference], level: float = 0.05
) -> NDArray[np.bool_]:
    """Who is not shown to be worse than the contender that all were compared with, [c].

    After Holm over the comparisons. Compared with a contender chosen on other rows, no equal is
    left out with a probability of at least 1 − ``level``. Compared with the best of these very
    rows, the choice has made use of chance, and the ties then hold the truly best one with that
    probability, but not certainly each of its equals. What has no score is no tie.
    """
    values = [d.value.value for d in differences]
    adjusted = holm([d.p for d in differences])
    return np.array(
        [
            value is not None and not (value < 0 and p <= level)
            for value, p in zip(values, adjusted, strict=True)
        ],
        np.bool_,
    )


def _student(change: Array, error: Array, degrees: float) -> Array:
    """Two-sided p of Student's test, [c]: 0 where a change has no error, 1 where neither is."""
    certain = np.where(change == 0, 0, np.inf)
    ratio = np.where(error > 0, np.abs(change) / np.where(error > 0, error, 1), certain)
    return np.asarray(2 * t.sf(ratio, degrees))


def least_p(change: Array, moved: Array, groups: ArrayLike | None) -> Array:
    """The least p that the rows can show, [c], from changes [c] and influences on them [n, c].

    Where k rows differ between the two, each in one of two directions, not even the exact
    sign-flip test can give less than 2^(1 − k), and of k clusters whose rows turn together neither.
    A row whose scores are equal takes part in the change only by being counted: its influence is
    minus the change.
    """
    differing = np.abs(moved + change) > ROUNDING * np.abs(moved).max(axis=0)
    counts = np.sum(differing, axis=0)
    if groups is not None and _hang_together(groups):
        counts = count_independent(groups, differing)
    return np.asarray(np.ldexp(1.0, np.minimum(1 - counts, 0)))


def _hang_together(groups: ArrayLike | None) -> bool:
    """Whether any two rows do."""
    named = None if groups is None else np.asarray(groups)
    return named is not None and (named.ndim == 2 or clusters(named) is not None)


def _share(column: Array) -> Estimate:
    return wilson_interval(float(column.mean()), len(column), float(norm.ppf(0.975)))


def _effective_share(
    share: float, error: float, n: int, degrees: float, quantile: float
) -> Estimate:
    if not np.isfinite(error):
        return Estimate.around(share, error)
    effective = share * (1 - share) / error**2 if error else degrees + 1
    return wilson_interval(share, min(effective, n), quantile)


def wilson_interval(share: float, n: float, z: float) -> Estimate:
    """The score interval of a share of n rows; z is how many errors it reaches."""
    centre = (share + z**2 / 2 / n) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / 4 / n**2)
    # It holds the share; rounded, a share of 1 lay above.
    low, high = max(float(centre - reach), 0.0), min(float(centre + reach), 1.0)
    return Estimate(share, min(low, share), max(high, share))


def _mean(column: Array) -> Estimate:
    n, mean = len(column), float(column.mean())
    reach = float(t.ppf(0.975, n - 1) * column.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - reach, mean + reach)


def _is_binary(column: Array) -> bool:
    return bool(np.isin(column, (0, 1)).all())


def _table(columns: ArrayLike) -> Array:
    table = np.asarray(columns, np.float64)
    if table.ndim != 2 or len(table) < 3:
        raise ValueError(f"columns of {table.shape}; expected [n, c] with n of 3 or more")
    return table
