"""Scores of S trainings on the same N rows: means that hold for other rows and other seeds.

Rows and seeds are crossed random effects, score[s, i] = μ + row_i + seed_s + rest_si, as cases and
readers are where several readers judge the same cases (Obuchowski & Rockette 1995, "Hypothesis
testing of diagnostic accuracy for multiple readers and multiple tests"). The variance of the mean
is then (MS_rows + MS_seeds − MS_rest) / (S N), here never less than what rows or seeds alone give.
To add the two without the last term counts the rest twice, as resampling both ways would (Owen
2007, "The pigeonhole bootstrap").

The quantile is the mean of Student's at N − 1 and S − 1 degrees of freedom, weighted by what rows
and seeds vary (Cochran 1964, "Approximate significance levels of the Behrens-Fisher test").
Satterthwaite's degrees of freedom would themselves be estimated, of few seeds badly: in simulations
with three seeds and 95 % asked, their intervals held the mean in 92 % at worst, these in 94 %.

Rows that are not independent, ``groups`` [n] of them, are one row each: the sum of their deviations
(see ``clusters``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import t

from poolwise.statistics.clusters import Clusters, clusters
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference, mean_differences, mean_estimates

Array = NDArray[np.float64]

ONE_SEED = "one seed: another training may score otherwise than the interval says"


def crossed_effects_mean(scores: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Mean of scores [s, n], a row of numbers a seed; of one seed, the interval is the rows' alone.

    Zeros and ones get Wilson's interval at the effective number of rows, p (1 − p) / variance (as
    Korn & Graubard 1998 do for surveys). Raises ValueError below three rows.
    """
    table = _table(scores)
    if _is_one(groups):
        return mean_estimates(table.mean(axis=0)[:, None], groups)[0]
    if len(table) == 1:
        return replace(mean_estimates(table.T, groups)[0], note=ONE_SEED)
    mean, spread = float(table.mean()), _spread(table, groups)
    if np.isin(table, (0, 1)).all():
        variance = spread.error**2
        effective = mean * (1 - mean) / variance if variance else spread.rows[1] + 1
        return _wilson(mean, effective, spread.quantile(0.05))
    return spread.around(mean)


def crossed_effects_difference(
    scores: ArrayLike, reference: ArrayLike, groups: ArrayLike | None = None
) -> Difference:
    """Mean of scores [s, n] less that of ``reference`` [s, n], paired by seed and by row.

    p is never below what the rows of test show by themselves. Raises ValueError below three rows,
    and for tables of different shapes.
    """
    table, other = _table(scores), _table(reference)
    if table.shape != other.shape:
        raise ValueError(f"scores {table.shape} against {other.shape}; expected the same shape")
    both = np.column_stack([table.mean(axis=0), other.mean(axis=0)])
    by_rows = mean_differences(both, 1, groups)[0]
    if len(table) == 1:
        return Difference(replace(by_rows.value, note=ONE_SEED), by_rows.p)
    if _is_one(groups):
        return by_rows
    mean, spread = float((table - other).mean()), _spread(table - other, groups)
    return Difference(spread.around(mean), max(spread.p(mean), by_rows.p))


@dataclass(frozen=True, slots=True)
class _Spread:
    """``error``: standard error of a mean; ``rows`` and ``seeds``: the variances of Student's ts,
    with their degrees of freedom."""

    error: float
    rows: tuple[float, float]
    seeds: tuple[float, int]

    def quantile(self, level: float) -> float:
        """How many errors from the mean the interval ends, which errs with chance ``level``."""
        (rows, many), (seeds, few) = self.rows, self.seeds
        whole = (rows + seeds) or 1.0
        t_rows, t_seeds = t.isf(level / 2, many), t.isf(level / 2, few)
        return float(t_rows + seeds / whole * (t_seeds - t_rows))

    def around(self, mean: float) -> Estimate:
        reach = self.quantile(0.05) * self.error
        return Estimate(mean, mean - reach, mean + reach)

    def p(self, mean: float) -> float:
        """Two-sided, of a mean of 0: the level at which the interval ends at 0."""
        if not self.error:
            return float(mean == 0)
        ratio = abs(mean) / self.error
        if self.quantile(_LEAST) <= ratio:
            return _LEAST
        return float(brentq(lambda level: self.quantile(level) - ratio, _LEAST, 1.0))


_LEAST = 1e-12
"""No p below it is told apart."""


def _spread(table: Array, groups: ArrayLike | None) -> _Spread:
    """Of the mean of [s, n], s of 2 or more."""
    grouping = clusters(groups)
    if grouping is not None:
        table = _by_cluster(table, grouping)
    s, n = table.shape
    degrees, uneven = n - 1.0, 1.0
    if grouping is not None:
        degrees, uneven = grouping.degrees_of_freedom, grouping.correction * (n - 1) / n
    by_row, by_seed = table.mean(axis=0), table.mean(axis=1)
    rest = table - by_row - by_seed[:, None] + table.mean()
    rows, seeds = uneven * float(by_row.var(ddof=1)) / n, float(by_seed.var(ddof=1)) / s
    both = float(np.sum(rest**2)) / (s - 1) / (n - 1) / s / n
    variance = max(rows, seeds, rows + seeds - both)
    return _Spread(variance**0.5, (rows, degrees), (seeds, s - 1))


def _wilson(share: float, n: float, z: float) -> Estimate:
    centre = (share + z**2 / 2 / n) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / 4 / n**2) ** 0.5
    return Estimate(share, max(centre - reach, 0.0), min(centre + reach, 1.0))


def _is_one(groups: ArrayLike | None) -> bool:
    grouping = clusters(groups)
    return grouping is not None and len(grouping) == 1


def _by_cluster(table: Array, grouping: Clusters) -> Array:
    """[s, g] for [s, n], of the same means: a cluster's deviations are summed."""
    mean = table.mean()
    return np.asarray(mean + grouping.sums((table - mean).T).T * len(grouping) / table.shape[1])


def _table(scores: ArrayLike) -> Array:
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or not len(table) or table.shape[1] < 3:
        raise ValueError(f"scores of {table.shape}; expected [seeds, rows] with 3 rows or more")
    return table
