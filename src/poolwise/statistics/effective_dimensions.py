"""How many dimensions vectors fill, whatever the number of rows that show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from poolwise.statistics.estimate import Estimate
from poolwise.statistics.geometry import same_rows

Array = NDArray[np.float64]

MIN_ROWS = 5
"""The estimates divide by n − 3, with one row left out."""


def effective_dimensions(x: ArrayLike) -> Estimate:
    """The participation ratio of the distribution that rows [n, d] are drawn from, 1 to d.

    (tr C)² / tr C² of the covariance C is 1 / Σp², p the shares of the variance along the principal
    axes. A sample fills the fewer dimensions the fewer rows it has, so both terms are estimated
    without bias (Himeno & Yamada 2014, "Estimations for some functions of covariance matrix in high
    dimension under non-normality"). The bias of their ratio is taken off by the delete-one
    jackknife, which gives the interval too. None below ``MIN_ROWS`` rows.
    """
    rows = np.asarray(x, np.float64)
    n, d = rows.shape
    if same_rows(rows):
        return Estimate.constant()
    if n < MIN_ROWS:
        return Estimate(None, note=f"{n} rows are too few")
    whole, left_out = _participation_ratios(rows - rows.mean(axis=0))
    value = n * whole - (n - 1) * float(left_out.mean())
    reach = float(t.ppf(0.975, n - 1) * np.sqrt((n - 1) * left_out.var()))
    value, low, high = np.clip([value, value - reach, value + reach], 1.0, d).tolist()
    return Estimate(value, low, high)


def _participation_ratios(c: Array) -> tuple[float, Array]:
    """Of centred rows [n, d]; and of the others without each of them, centred anew, [n].

    Without row i the scatter A is A − n / (n − 1) cᵢcᵢᵀ, and every other row is farther from the
    mean by cᵢ / (n − 1).
    """
    n = len(c)
    lengths, products = np.sum(c**2, axis=1), _squared_products(c)
    trace, square, fourth = lengths.sum(), products.sum(), np.sum(lengths**2)
    more, step = n / (n - 1), 1 / (n - 1)
    fourth_left = (
        fourth
        - lengths**2
        + 4 * step * (c @ (lengths @ c) - lengths**2)
        + 4 * step**2 * (products - lengths**2)
        + 2 * step**2 * lengths * (trace - lengths)
        - 3 * step**3 * lengths**2
    )
    square_left = square - 2 * more * products + more**2 * lengths**2
    left_out = _ratio(n - 1, trace - more * lengths, square_left, fourth_left)
    return float(_ratio(n, trace, square, fourth)), left_out


def _ratio(n: int, trace: Array, square: Array, fourth: Array) -> Array:
    """Of the unbiased (tr C)² to tr C², from tr A, tr A² and Σ|c|⁴ of n centred rows c."""
    trace, square, fourth = trace / (n - 1), square / (n - 1) ** 2, fourth / (n - 1)
    squared_trace = 2 * square + (n**2 - 3 * n + 1) * trace**2 - n * fourth
    trace_of_square = (n - 1) * (n - 2) * square + trace**2 - n * fourth
    return np.asarray(squared_trace / trace_of_square)


def _squared_products(c: Array) -> Array:
    """Σ over the rows r of (c·r)², for each row c of [n, d], [n]."""
    if len(c) < c.shape[1]:
        return np.asarray(np.sum((c @ c.T) ** 2, axis=1))
    return np.asarray(np.sum((c @ (c.T @ c)) * c, axis=1))
