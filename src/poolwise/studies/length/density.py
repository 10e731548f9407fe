"""Many points as a chart: a two-dimensional histogram with quantiles and a straight line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.charts import Density, DensityCell, Quantiles
from poolwise.statistics.correlation import linear_regression

Array = NDArray[np.float64]

COLUMNS, ROWS = 60, 45
RANGE = (0.005, 0.995)
"""Quantiles of each axis between which points are drawn."""

ROWS_A_BAND = 10
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)


def density(
    x: Array, y: Array, *, title: str, caption: str, x_label: str, y_label: str, line_label: str
) -> Density:
    """``y`` [n] against ``x`` [n], whole numbers; neither is constant."""
    left, right = np.quantile(x, RANGE, method="nearest")
    step = max(1, int(np.ceil((right - left + 1) / COLUMNS)))
    x_edges = np.arange(left - 0.5, right + step, step)
    bottom, top = np.quantile(y, RANGE)
    y_edges = np.linspace(bottom, top, ROWS + 1)
    counts = np.histogram2d(x, y, (x_edges, y_edges))[0].astype(int)
    xs, ys = x_edges.tolist(), y_edges.tolist()
    cells = [
        DensityCell(xs[i], xs[i + 1], ys[j], ys[j + 1], int(counts[i, j]))
        for i, j in np.argwhere(counts).tolist()
    ]
    fit = linear_regression(x, y)
    slope, intercept = fit.slope.value or 0, fit.intercept.value or 0
    start, end = ((float(end), float(intercept + slope * end)) for end in (left, right))
    return Density(
        title,
        cells,
        _quantiles(x, y, x_edges, (bottom, top)),
        (start, end),
        line_label=line_label,
        x_label=x_label,
        y_label=y_label,
        caption=caption,
    )


def _quantiles(x: Array, y: Array, x_edges: Array, y_range: tuple[float, float]) -> list[Quantiles]:
    """Quantiles of y at the mean x of columns, which are joined where they hold few rows.

    What lies outside ``y_range`` is None.
    """
    column = np.searchsorted(x_edges, x) - 1
    inside = (column >= 0) & (column < len(x_edges) - 1)
    x, y, column = x[inside], y[inside], column[inside]
    before = np.cumsum(np.bincount(column)) - np.bincount(column)
    group = before[column] // (len(x) / COLUMNS)
    bands = [(x[rows], y[rows]) for rows in (group == g for g in np.unique(group))]
    bottom, top = y_range
    points = []
    for band_x, band_y in bands:
        if len(band_x) >= ROWS_A_BAND:
            values = np.quantile(band_y, QUANTILES).tolist()
            values = [value if bottom <= value <= top else None for value in values]
            points.append(Quantiles(float(band_x.mean()), *values))
    return points
