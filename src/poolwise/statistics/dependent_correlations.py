"""Two correlations with one variable in common: r(x, y) against r(z, y) on the same rows.

Both tests suppose normal data and Pearson's r. They need the three correlations only, so published
tables can be compared; with the rows at hand ``paired`` supposes less.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t


class CorrelationTest(NamedTuple):
    """``statistic`` is positive where r(x, y) is the larger; ``p`` is two-sided."""

    statistic: float
    p: float


def steiger(r_xy: float, r_zy: float, r_xz: float, n: int) -> CorrelationTest:
    """Z̄₁* of n rows: Fisher's z, their covariance estimated at the mean of r(x, y) and r(z, y).

    Steiger 1980, "Tests for comparing elements of a correlation matrix", equations 3, 10 and 14.
    """
    _check(r_xy, r_zy, r_xz, n)
    mean = (r_xy + r_zy) / 2
    covariance = r_xz * (1 - 2 * mean**2) - mean**2 / 2 * (1 - 2 * mean**2 - r_xz**2)
    correlation = covariance / (1 - mean**2) ** 2
    spread = np.sqrt((2 - 2 * correlation) / (n - 3))
    statistic = float((np.arctanh(r_xy) - np.arctanh(r_zy)) / spread)
    return CorrelationTest(statistic, float(2 * norm.sf(abs(statistic))))


def williams(r_xy: float, r_zy: float, r_xz: float, n: int) -> CorrelationTest:
    """T₂ of n rows, Student's t with n − 3 degrees of freedom.

    Williams 1959, "The comparison of regression variables", as given by Steiger 1980, equation 7.
    """
    _check(r_xy, r_zy, r_xz, n)
    mean = (r_xy + r_zy) / 2
    determinant = 1 - r_xy**2 - r_zy**2 - r_xz**2 + 2 * r_xy * r_zy * r_xz
    variance = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r_xz) ** 3
    statistic = float((r_xy - r_zy) * np.sqrt((n - 1) * (1 + r_xz) / variance))
    return CorrelationTest(statistic, float(2 * t.sf(abs(statistic), n - 3)))


def _check(r_xy: float, r_zy: float, r_xz: float, n: int) -> None:
    r = np.array([[1, r_xy, r_xz], [r_xy, 1, r_zy], [r_xz, r_zy, 1]])
    if n < 4 or np.linalg.eigvalsh(r)[0] <= 0:
        values = f"r(x, y) {r_xy}, r(z, y) {r_zy}, r(x, z) {r_xz} and n {n}"
        raise ValueError(f"{values}; expected correlations that can occur together, and n above 3")
