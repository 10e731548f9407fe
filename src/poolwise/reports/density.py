"""Many points of a plane: cells shaded by count, with quantiles and a line on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.charts import Density, DensityCell
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.labels import LineEnd, end_labels, lines
from poolwise.reports.rendered_chart import Panel, RenderedChart
from poolwise.reports.theme import ACCENT, DENSITY, HEIGHT, INK, LINE, PAPER

Row = Mapping[str, Any]

# quantile → its name at the line's end, stroke width, dash
QUANTILES: dict[str, tuple[str, float, list[int]]] = {
    "q95": ("95 %", 1.2, [2, 3]),
    "q75": ("75 %", 1.4, [6, 3]),
    "q50": ("median", 2.4, [1, 0]),
    "q25": ("25 %", 1.4, [6, 3]),
    "q05": ("5 %", 1.2, [2, 3]),
}


def density(chart: Density) -> RenderedChart:
    """A heat map of cells with quantile lines of y given x, and a regression line."""
    quantiles = inline_rows(chart.quantiles)
    curves = {
        name: [{"x": point["x"], "y": point[name]} for point in quantiles] for name in QUANTILES
    }
    label = lines(f"── {chart.line_label}")
    layers = [_cells(chart, above=16 + LINE * len(label))]
    for name, (_, width, dash) in QUANTILES.items():
        layers += _haloed(curves[name], INK, width, dash)
    layers += _haloed([{"x": x, "y": y} for x, y in chart.line], ACCENT, 2.6, [1, 0])
    layers += [
        _line_label(label),
        *end_labels([*_ends(curves)], _extent(chart.cells, "y0", "y1")),
    ]
    layered = alt.LayerChart(layer=layers, height=HEIGHT)
    return RenderedChart([Panel("", layered.to_dict(validate=False))])


def _cells(chart: Density, above: int) -> alt.Chart:
    """The cells and both axes; ``above`` pixels between the plot and the y axis's title."""
    title_x, title_y = lines(chart.x_label), lines(chart.y_label)
    rows = [
        {name: _rounded(value) for name, value in cell.items()} for cell in inline_rows(chart.cells)
    ]
    x = alt.X(
        "x0:Q",
        title=title_x,
        scale=alt.Scale(domain=list(_extent(chart.cells, "x0", "x1")), nice=False),
        axis=alt.Axis(tickCount=8),
    )
    y = alt.Y(
        "y0:Q",
        title=title_y,
        scale=alt.Scale(domain=list(_extent(chart.cells, "y0", "y1")), nice=False),
        axis=alt.Axis(titleY=-above - LINE * (len(title_y) - 1)),
    )
    color = alt.Color(
        "count:Q",
        scale=alt.Scale(type="threshold", domain=_thresholds(chart.cells), range=DENSITY),
        legend=alt.Legend(
            title="texts in a cell",
            orient="bottom",
            titleOrient="left",
            direction="horizontal",
            gradientLength=150,
            gradientThickness=10,
            format=",d",
            offset=16,
        ),
    )
    tooltip = [
        alt.Tooltip("count:Q", title="texts", format=",d"),
        alt.Tooltip("x0:Q", title="x from"),
        alt.Tooltip("x1:Q", title="x to"),
        alt.Tooltip("y0:Q", title="y from"),
        alt.Tooltip("y1:Q", title="y to"),
    ]
    cells: alt.Chart = alt.Chart(alt.InlineData(values=rows)).mark_rect(
        stroke=PAPER, strokeWidth=0.4
    )
    return cells.encode(x=x, x2="x1:Q", y=y, y2="y1:Q", color=color, tooltip=tooltip)


def _haloed(points: Sequence[Row], color: str, width: float, dash: list[int]) -> list[alt.Chart]:
    """A line with a white edge, which keeps it apart from cells of any shade."""
    base = alt.Chart(alt.InlineData(values=list(points))).encode(x="x:Q", y="y:Q")
    return [
        base.mark_line(color=PAPER, strokeWidth=width + 2.4, opacity=0.75, clip=True),
        base.mark_line(color=color, strokeWidth=width, strokeDash=dash, clip=True),
    ]


def _line_label(text: list[str]) -> alt.Chart:
    label: alt.Chart = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        text=text,
        color=ACCENT,
        fontWeight=500,
        align="left",
        baseline="bottom",
        x=0,
        y=-10 - LINE * (len(text) - 1),
    )
    return label


def _ends(curves: Mapping[str, Sequence[Row]]) -> Iterable[LineEnd]:
    for name, (text, *_) in QUANTILES.items():
        points = [point for point in curves[name] if point["y"] is not None]
        if points:
            yield LineEnd(text, INK, **points[-1])


def _extent(cells: Sequence[DensityCell], low: str, high: str) -> tuple[float, float]:
    if not cells:
        return 0.0, 1.0
    return min(getattr(cell, low) for cell in cells), max(getattr(cell, high) for cell in cells)


def _thresholds(cells: Sequence[DensityCell]) -> list[int]:
    """The counts from which each shade but the first is, [shades − 1]: equal multiples of the one
    before, as far as counts are whole."""
    largest = max((int(cell.count) for cell in cells), default=1)
    thresholds = [1]
    for k in range(1, len(DENSITY)):
        thresholds.append(max(thresholds[-1] + 1, round(largest ** (k / len(DENSITY)))))
    return thresholds[1:]


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
