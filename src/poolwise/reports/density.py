"""How many texts lie where in a plane: cells shaded by count, quantiles and a line on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.json_values import rows
from poolwise.records import Chart
from poolwise.reports.drawing import Drawing, Panel
from poolwise.reports.labels import End, end_labels, lines
from poolwise.reports.theme import ACCENT, DENSITY, HEIGHT, INK, LINE, PAPER

CELL = ("x0", "x1", "y0", "y1", "count")

# quantile → its name at the line's end, stroke width, dash
QUANTILES: dict[str, tuple[str, float, list[int]]] = {
    "q95": ("95 %", 1.2, [2, 3]),
    "q75": ("75 %", 1.4, [6, 3]),
    "q50": ("median", 2.4, [1, 0]),
    "q25": ("25 %", 1.4, [6, 3]),
    "q05": ("5 %", 1.2, [2, 3]),
}


def density(chart: Chart) -> Drawing:
    """A heat map of cells with quantile lines of y given x, and a regression line.

    Columns of equal length ``x0, x1, y0, y1, count`` (cells with count > 0); ``line``
    (``{"x": [a, b], "y": [a, b]}``) and ``line_label``; ``bands`` (``x`` and
    ``q05, q25, q50, q75, q95``, None where too few texts lie); ``x_label``, ``y_label``.
    """
    data, cells = chart.data, rows(chart.data, CELL)
    bands = {
        name: rows({"x": data["bands"]["x"], "y": data["bands"][name]}, "xy") for name in QUANTILES
    }
    label = lines(f"── {data['line_label']}")
    height = _extent(cells, "y0", "y1")
    layers = [_heat(cells, data, above=16 + LINE * len(label))]
    for name, (_, width, dash) in QUANTILES.items():
        layers += _haloed(bands[name], INK, width, dash)
    layers += _haloed(rows(data["line"], "xy"), ACCENT, 2.6, [1, 0])
    layers += [_line_label(label), *end_labels(list(_ends(bands)), height)]
    return Drawing([Panel("", alt.LayerChart(layer=layers, height=HEIGHT).to_dict(validate=False))])


def _heat(cells: Sequence[Mapping[str, Any]], data: Mapping[str, Any], above: int) -> alt.Chart:
    """The cells and both axes; ``above`` pixels between the plot and the y axis's title."""
    title_x, title_y = lines(data["x_label"]), lines(data["y_label"])
    short = [{name: _short(value) for name, value in cell.items()} for cell in cells]
    x = alt.X(
        "x0:Q",
        title=title_x,
        scale=alt.Scale(domain=list(_extent(cells, "x0", "x1")), nice=False),
        axis=alt.Axis(tickCount=8),
    )
    y = alt.Y(
        "y0:Q",
        title=title_y,
        scale=alt.Scale(domain=list(_extent(cells, "y0", "y1")), nice=False),
        axis=alt.Axis(titleY=-above - LINE * (len(title_y) - 1)),
    )
    color = alt.Color(
        "count:Q",
        scale=alt.Scale(type="log", range=DENSITY, nice=False),
        legend=alt.Legend(
            title="texts in a cell",
            orient="bottom",
            titleOrient="left",
            direction="horizontal",
            gradientLength=150,
            gradientThickness=10,
            values=_counts(cells),
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
    heat: alt.Chart = alt.Chart(alt.InlineData(values=short)).mark_rect(
        stroke=PAPER, strokeWidth=0.4
    )
    return heat.encode(x=x, x2="x1:Q", y=y, y2="y1:Q", color=color, tooltip=tooltip)


def _haloed(
    points: list[dict[str, Any]], color: str, width: float, dash: list[int]
) -> list[alt.Chart]:
    """A line with a white edge, which keeps it apart from cells of any shade."""
    base = alt.Chart(alt.InlineData(values=points)).encode(x="x:Q", y="y:Q")
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


def _ends(bands: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[End]:
    for name, (text, *_) in QUANTILES.items():
        drawn = [point for point in bands[name] if point["y"] is not None]
        if drawn:
            yield End(text, INK, **drawn[-1])


def _extent(cells: Sequence[Mapping[str, Any]], low: str, high: str) -> tuple[float, float]:
    if not cells:
        return 0.0, 1.0
    return min(cell[low] for cell in cells), max(cell[high] for cell in cells)


def _counts(cells: Sequence[Mapping[str, Any]]) -> list[int]:
    """1, 10, 100, … and the largest count where it does not crowd the last power."""
    most = max((int(cell["count"]) for cell in cells), default=1)
    powers = [10**k for k in range(len(str(most)))]
    return powers if most < 2 * powers[-1] else [*powers, most]


def _short(value: float) -> float:
    return float(f"{value:.6g}")
