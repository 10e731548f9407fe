"""Intervals for scores between 0 and 1 that are no means of zeros and ones: macro-F1, AUC, ….

The interval is that of the logit, on which the distribution of such a score is closer to normal and
no bound leaves [0, 1]. Its degrees of freedom fall where few rows carry the variance: with 3,000
rows of which 60 have the label that counts, an error estimated is as uncertain as one of a few
dozen rows. A variance estimated from m values with the kurtosis κ is worth 2 m / (κ − 1) degrees
(Satterthwaite 1946, "An approximate distribution of estimates of variance components"). Rows of a
label are spread about their own mean, so the influences of a label with m rows are too small by
√((m − 1) / m) (as HC2 has it: MacKinnon & White 1985).

benchmarks/results/coverage-2026-11-28.md has how often such intervals hold the true score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import t

from poolwise.statistics.clusters import Clusters, count_independent, factorize, standard_error
from poolwise.statistics.estimate import FEW, Estimate
from poolwise.statistics.paired import wilson_interval

Array = NDArray[np.float64]

MIN_DEGREES = 20
"""Rows of the rarer of two labels below which a score by label has no interval.

Of several labels, fewer rows of each do: see ``_label_degrees``.
"""

UNDEFINED = "undefined: fewer than two labels with rows to compare"
ALIKE = "no interval: all rows of a rare label are scored alike"


def score_estimate(
    value: float,
    influence: ArrayLike,
    labels: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """A score in [0, 1] with its 95 % interval, from the rows' influences on it, [n] with mean 0.

    ``labels`` [n] are the true ones. Where too few independent rows of the rarer labels are left
    there is no interval, and a note says so. ``groups`` [n] or [n, 2] names rows that are not
    independent (see ``clusters``).
    """
    if not np.isfinite(value):
        return Estimate(None, note=UNDEFINED)
    rows = np.asarray(influence, np.float64)
    counts = _independent_rows(np.zeros(len(rows)) if labels is None else labels, groups)
    degrees, independent = _label_degrees(counts), len(counts) ** 2 / np.sum(1 / counts)
    if labels is not None and degrees < MIN_DEGREES:
        return Estimate(value, note=_too_few(int(counts.min())))
    if value <= 0 or value >= 1:
        return wilson_interval(min(max(value, 0.0), 1.0), independent, float(t.ppf(0.975, degrees)))
    if labels is not None:
        codes = factorize(labels)
        if _any_alike(rows, codes, counts):
            return Estimate(value, note=ALIKE)
        rows = rows * np.sqrt(counts / np.maximum(counts - 1, 1))[codes]
        rows = rows - rows.mean()
    error, by_groups = standard_error(rows[:, None], groups)
    if not np.isfinite(error[0]):
        return Estimate(value, note=FEW)
    degrees = min(by_groups, degrees, kurtosis_degrees(rows, groups))
    reach = t.ppf(0.975, degrees) * error[0] / (value * (1 - value))
    centre = logit(value)
    return Estimate(value, float(expit(centre - reach)), float(expit(centre + reach)))


def kurtosis_degrees(influence: ArrayLike, groups: ArrayLike | None = None) -> float:
    """Degrees of freedom of the variance of a mean over rows with these influences [n].

    Of rows in groups, by the sums of the groups; infinite where nothing varies.
    """
    sums = np.asarray(influence, np.float64)[:, None]
    independent = float(len(sums))
    if groups is not None:
        names = np.asarray(groups)
        independent = float(count_independent(names)[0]) if names.ndim == 1 else independent
        members = names.shape[1] if names.ndim == 2 else 1
        sums = Clusters(factorize(names.ravel())).sums(np.repeat(sums, members, axis=0))
        independent = min(independent, float(len(sums)))
    centred = sums[:, 0] - sums.mean()
    square = np.mean(centred**2)
    if square == 0:
        return np.inf
    excess = np.mean(centred**4) / square**2 - 1
    return float(max(2 * independent / excess, 1)) if excess > 0 else np.inf


def _independent_rows(labels: ArrayLike, groups: ArrayLike | None) -> Array:
    """Of each label, in order of first rows, [k]."""
    codes = factorize(labels)
    if groups is None:
        return np.bincount(codes).astype(np.float64)
    return count_independent(groups, codes[:, None] == np.arange(codes.max() + 1)).astype(float)


def _label_degrees(counts: Array) -> float:
    """Satterthwaite's degrees for the mean of k labels' scores, of which each varies as 1 / rows.

    Of two labels about the rows of the rarer, of k even ones all rows.
    """
    return float(np.sum(1 / counts) ** 2 / np.sum(1 / counts**3))


def _any_alike(rows: Array, codes: NDArray[np.intp], counts: Array) -> bool:
    """Whether nothing is known of the spread of a label that should carry a quarter of it."""
    grouping = Clusters(codes)
    means = grouping.sums(rows[:, None])[:, 0] / grouping.sizes
    spread = grouping.sums((rows - means[codes])[:, None] ** 2)[:, 0]
    carries = 1 / counts >= np.sum(1 / counts) / 4
    return bool(np.any(carries & (spread <= 1e-18 * np.sum(rows**2))))


def _too_few(rows: int) -> str:
    return f"no interval: only {rows} {'row' if rows == 1 else 'rows'} of the rarest label"
