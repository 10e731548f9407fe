"""Many contenders against one, tested together: the largest of their t statistics.

Holm supposes that contenders have nothing in common. Readouts of one encoder have nearly all in
common, so the largest of their t statistics is drawn instead: as a normal vector with the
correlation of the rows' influences, over the root of a chi-square for the degrees of freedom. The
probability that any of several equals is called different is then the level itself (Westfall &
Young 1993, "Resampling-Based Multiple Testing"; Chernozhukov, Chetverikov & Kato 2013, "Gaussian
approximations and multiplier bootstrap for maxima of sums of high-dimensional random vectors").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.clusters import cluster_sums, standard_error
from poolwise.statistics.paired import least_p

Array = NDArray[np.float64]

LEVEL = 0.05

DRAWS = 20_000
"""Of the largest t: the standard error of a p-value of 0.05 is 0.0015."""


@dataclass(frozen=True, slots=True)
class MaxT:
    """One-sided tests that contenders exceed a bound, [c] each; corrected for all of them.

    ``p`` are adjusted, step by step from the largest t down; 1 where there is nothing to test.
    ``errors`` are standard errors. ``critical`` is the number of errors above which the largest of
    c equal contenders lies in 5 % of samples.
    """

    p: Array
    errors: Array
    critical: float

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Whether each exceeds the bound, at 5 %."""
        return np.asarray(self.p <= LEVEL, np.bool_)


def max_t(
    changes: ArrayLike,
    influences: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    bound: float = 0.0,
    seed: int = 0,
    n_draws: int = DRAWS,
) -> MaxT:
    """Test that each of the ``changes`` [c] is above ``bound``, from the rows' ``influences``
    [n, c] on them.

    NaN marks a change that is undefined. ``groups`` names rows that are not independent (see
    ``clusters``). ``n_draws`` are drawn of the largest t.
    """
    change, rows = np.asarray(changes, np.float64) - bound, np.asarray(influences, np.float64)
    errors, degrees = standard_error(np.nan_to_num(rows), groups)
    tested = np.isfinite(change) & (errors > 0) & np.isfinite(errors)
    p = np.where(np.isfinite(change) & (errors == 0) & (change > 0), 0.0, 1.0)
    if not tested.any():
        return MaxT(p, errors, np.inf)
    # The error that equal contenders have: about no change, not about the change observed.
    t = change[tested] / np.hypot(errors[tested], change[tested] / np.sqrt(degrees))
    draws = _draws(cluster_sums(rows[:, tested], groups), degrees, seed, n_draws)
    critical = float(np.quantile(draws.max(axis=1), 1 - LEVEL))
    p[tested] = np.maximum(_stepped(t, draws), least_p(change, rows, groups)[tested])
    return MaxT(p, errors, critical)


def _draws(sums: Array, degrees: float, seed: int, n_draws: int) -> Array:
    """Student's t of correlated contenders, from sums of influences [g, c]; [n_draws, c]."""
    scaled = sums / np.linalg.norm(sums, axis=0)
    values, axes = np.linalg.eigh(scaled.T @ scaled)
    root = axes * np.sqrt(values.clip(min=0))
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((n_draws, len(root)), np.float32) @ root.T.astype(np.float32)
    spread = np.sqrt(rng.chisquare(degrees, n_draws) / degrees)
    return np.asarray(normal / spread[:, None], np.float64)


def _stepped(t: Array, draws: Array) -> Array:
    """Adjusted p-values, [c]: each t against the largest of those that are not above it."""
    rising = np.argsort(t)
    largest = np.maximum.accumulate(draws[:, rising], axis=1)
    p = ((largest >= t[rising]).sum(axis=0) + 1) / (len(draws) + 1)
    adjusted = np.empty(len(t))
    adjusted[rising] = np.maximum.accumulate(p[::-1])[::-1]
    return adjusted
