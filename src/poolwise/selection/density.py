"""A picture of many points: a two-dimensional histogram with quantiles and a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Chart
from poolwise.statistics.correlation import linear_regression

Array = NDArray[np.float64]

COLUMNS, ROWS = 60, 45
SHOWN = (0.005, 0.995)
"""Quantiles of each axis between which is drawn."""

ROWS_A_BAND = 10
BANDS = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}


def density(
    x: Array, y: Array, *, title: str, caption: str, x_label: str, y_label: str, line_label: str
) -> Chart:
    """Chart of kind ``density``: y against x, a whole number, both [n] and neither constant."""
    low, high = np.quantile(x, SHOWN, method="nearest")
    step = max(1, int(np.ceil((high - low + 1) / COLUMNS)))
    x_edges = np.arange(low - 0.5, high + step, step)
    bottom, top = np.quantile(y, SHOWN)
    y_edges = np.linspace(bottom, top, ROWS + 1)
    counts, _, _ = np.histogram2d(x, y, (x_edges, y_edges))
    i, j = np.nonzero(counts)
    fit = linear_regression(x, y)
    ends = np.array([low, high])
    data = {
        "x_label": x_label,
        "y_label": y_label,
        "x0": x_edges[i].tolist(),
        "x1": x_edges[i + 1].tolist(),
        "y0": y_edges[j].tolist(),
        "y1": y_edges[j + 1].tolist(),
        "count": counts[i, j].astype(int).tolist(),
        "line": {
            "x": ends.tolist(),
            "y": ((fit.intercept.value or 0) + (fit.slope.value or 0) * ends).tolist(),
        },
        "line_label": line_label,
        "bands": _bands(x, y, x_edges, (bottom, top)),
    }
    return Chart("density", title, data, caption)


def _bands(
    x: Array, y: Array, x_edges: Array, shown: tuple[float, float]
) -> dict[str, list[float | None]]:
    """Quantiles of y at the mean x of columns, which are joined where they hold few rows.

    What lies outside the range of y that is shown is None.
    """
    column = np.searchsorted(x_edges, x) - 1
    inside = (column >= 0) & (column < len(x_edges) - 1)
    x, y, column = x[inside], y[inside], column[inside]
    before = np.cumsum(np.bincount(column)) - np.bincount(column)
    group = before[column] // (len(x) / COLUMNS)
    bands = [(x[rows], y[rows]) for rows in (group == g for g in np.unique(group))]
    bands = [(at, values) for at, values in bands if len(at) >= ROWS_A_BAND]
    quantiles = [np.quantile(values, list(BANDS.values())) for _, values in bands]
    bottom, top = shown
    return {
        "x": [float(at.mean()) for at, _ in bands],
        **{
            name: [float(q[k]) if bottom <= q[k] <= top else None for q in quantiles]
            for k, name in enumerate(BANDS)
        },
    }
