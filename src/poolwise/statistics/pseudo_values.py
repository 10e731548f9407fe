"""Scores as means of pseudo-values: a row's is the score plus the row's influence on it.

With them every score is treated as a mean: choosing, pairing, clustering and testing need nothing
else. The interval is taken on the scale on which the score is nearly normal.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.correlation import fisher_interval
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import mean_estimates
from poolwise.statistics.score_intervals import score_estimate

Array = NDArray[np.float64]

Scale = Literal["share", "correlation", "real"]
"""In [0, 1], in [−1, 1], or any number."""


def estimate(
    values: ArrayLike,
    scale: Scale,
    groups: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> Estimate:
    """The mean of pseudo-values [n] with its 95 % interval; undefined where one is NaN.

    ``labels`` [n] are those of rows that a score counts by label: few rows of a label leave few
    degrees of freedom.
    """
    column = np.asarray(values, np.float64)
    if np.isnan(column).any() or len(column) < 3:
        return Estimate.constant()
    value = float(column.mean())
    if scale == "correlation":
        return fisher_interval(value, column - value, groups)
    if scale == "real" or np.isin(column, (0, 1)).all():
        return mean_estimates(column[:, None], groups)[0]
    return score_estimate(min(max(value, 0.0), 1.0), column - value, labels, groups)
