"""Rows by columns: cells shaded by their values, which are written in them; ties outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from poolwise.charts import HeatMap
from poolwise.reports import number_format
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.rendered_chart import LegendEntry, Panel, RenderedChart
from poolwise.reports.theme import ACCENT, BLACK, DENSITY, FAINT, PAPER, QUIET

# From this step of DENSITY on white is the colour that can be read on it, before it black: either
# is then at least 4.5 : 1.
WHITE_FROM = 5

PHONE, CHARACTER = 290, 7
"""Room for a row of cells on a narrow page, and a letter's width, in pixels."""

# A cell's side → where its line begins and ends, as shares of the cell: x, x2, y, y2; and the
# neighbour behind it: steps along columns and along rows.
SIDES = {
    "left": ((0, 0, 0, 1), (-1, 0)),
    "right": ((1, 1, 0, 1), (1, 0)),
    "top": ((0, 1, 0, 0), (0, -1)),
    "bottom": ((0, 1, 1, 1), (0, 1)),
}

Cell = Mapping[str, Any]


def heat_map(chart: HeatMap) -> RenderedChart:
    """A map a panel, the last layer on top; values are written as 100 times themselves.

    None is a gap. All panels share rows, columns and shades. Cells differ by a shade where they
    differ by what these data can show, or by more where the shades would not reach.
    """
    cells = [
        {**cell, "panel": cell["panel"] or "", "row": str(cell["row"])}
        for cell in inline_rows(chart.cells)
    ]
    values = [cell["value"] for cell in cells]
    size = shade_size(values, chart.smallest_difference)
    for cell, shade in zip(cells, shades(values, size), strict=True):
        cell.update(_style(cell, shade))
    row_names = _row_names([cell.row for cell in chart.cells])
    column_names = list(dict.fromkeys(cell["column"] for cell in cells))
    axes = _axes(row_names, column_names, chart)
    margin = max(44, 10 + CHARACTER * max((len(name) for name in row_names), default=0))
    return RenderedChart(
        [
            Panel(panel, _map([cell for cell in cells if cell["panel"] == panel], axes))
            for panel in dict.fromkeys(cell["panel"] for cell in cells)
        ],
        legend=_legend(cells, chart, size),
        min_width=max(240, margin + 36 * len(column_names)),
        max_width=max(300, margin + 78 * len(column_names)),
    )


def shade_size(values: Sequence[float | None], smallest: float | None) -> float:
    """The difference of two neighbouring shades: what lets them reach from the highest value to the
    lowest, but at least ``smallest``.

    Values further below the lower quartile than one and a half times the interquartile range are
    left out, so that a few bad cells do not flatten all others.
    """
    finite = np.array([value for value in values if value is not None])
    if not len(finite):
        return smallest or 0.0
    lower, upper = np.quantile(finite, [0.25, 0.75])
    span = finite.max() - max(finite.min(), lower - 1.5 * (upper - lower))
    return max(float(span) / len(DENSITY), smallest or 0.0)


def shades(values: Sequence[float | None], size: float) -> list[int | None]:
    """Each value's index in DENSITY: the last for the highest, one less for each ``size`` below."""
    last = len(DENSITY) - 1
    high = max((value for value in values if value is not None), default=0.0)
    return [
        None if value is None else last - min(int((high - value) / size), last) if size else last
        for value in values
    ]


def _style(cell: Cell, shade: int | None) -> dict[str, Any]:
    return {
        "fill": PAPER if shade is None else DENSITY[shade],
        "ink": FAINT if shade is None else PAPER if shade >= WHITE_FROM else BLACK,
        "place": f"{cell['column']} · {cell['row']}",
        "text": number_format.hundredfold(cell["value"]),
        "label": number_format.with_interval(cell["value"], cell["low"], cell["high"]),
    }


def _row_names(rows: Sequence[int | str]) -> list[str]:
    """From the top: rows with a name, in their order; the last layer, …, the first."""
    names = dict.fromkeys(row for row in rows if isinstance(row, str))
    layers = {int(row) for row in rows if not isinstance(row, str)}
    return [*names, *map(str, sorted(layers, reverse=True))]


def _map(cells: Sequence[Cell], axes: tuple[alt.X, alt.Y]) -> dict[str, Any]:
    x, y = axes
    columns, rows = x["sort"], y["sort"]
    base = alt.Chart(alt.InlineData(values=list(cells))).encode(x=x, y=y)
    fills = base.mark_rect(fill=alt.ExprRef("datum.fill"), stroke=PAPER, strokeWidth=2).encode(
        tooltip=[
            alt.Tooltip("place:N", title="at"),
            alt.Tooltip("label:N", title="value"),
        ],
    )
    outline = base.mark_rect(fill=None, stroke=ACCENT, strokeWidth=4, cornerRadius=1)
    texts = base.mark_text(
        fontSize=alt.ExprRef("clamp(bandwidth('x') * 0.34, 8.5, 12.5)"),
        fontWeight=alt.ExprRef("datum.best ? 700 : 400"),
        color=alt.ExprRef("datum.ink"),
    ).encode(text="text:N")
    layers = [
        fills,
        *_contour(base, cells, rows, columns),
        outline.properties(data=alt.InlineData(values=[cell for cell in cells if cell["best"]])),
        texts,
    ]
    height = (26 if len(rows) <= 15 else 21) * len(rows)
    spec: dict[str, Any] = alt.LayerChart(layer=layers, height=height).to_dict(validate=False)
    return spec


def _axes(rows: list[str], columns: list[str], chart: HeatMap) -> tuple[alt.X, alt.Y]:
    longest = max((len(name) for name in columns), default=0)
    slanted = CHARACTER * longest > PHONE / max(1, len(columns))
    return alt.X(
        "column:N",
        sort=columns,
        title=None if slanted else chart.x_label,
        scale=alt.Scale(domain=columns, padding=0),
        axis=alt.Axis(
            orient="top",
            labelAngle=-50 if slanted else 0,
            labelOverlap=False,
            domain=False,
            titleColor=QUIET,
            titleAnchor="start",
            titlePadding=4,
        ),
    ), alt.Y(
        "row:O",
        sort=rows,
        title=chart.y_label,
        scale=alt.Scale(domain=rows, padding=0),
        axis=alt.Axis(
            labelLimit=170,
            titleX=-8,
            titleY=-6,
            titleAlign="right",
            titleColor=QUIET,
            labelOverlap=False,
        ),
    )


def _contour(
    base: alt.Chart, cells: Sequence[Cell], rows: list[str], columns: list[str]
) -> list[alt.Chart]:
    """A line around the best and the cells tied with it; none around the best alone."""
    inside = {
        (columns.index(cell["column"]), rows.index(cell["row"])): cell
        for cell in cells
        if cell["tied"] or cell["best"]
    }
    if all(cell["best"] for cell in inside.values()):
        return []
    sides = []
    for (x, x2, y, y2), (right, down) in SIDES.values():
        edge = [cell for (i, j), cell in inside.items() if (i + right, j + down) not in inside]
        side = base.mark_rule(color=ACCENT, strokeWidth=2, strokeCap="square").encode(
            x=alt.X("column:N", bandPosition=x, sort=columns),
            x2=alt.X2("column:N", bandPosition=x2),
            y=alt.Y("row:O", bandPosition=y, sort=rows),
            y2=alt.Y2("row:O", bandPosition=y2),
        )
        sides.append(side.properties(data=alt.InlineData(values=edge)))
    return sides


def _legend(cells: Sequence[Cell], chart: HeatMap, size: float) -> list[LegendEntry]:
    times = "" if "100" in chart.value_label else " x 100"
    entries = [LegendEntry("", QUIET, f"In each cell: {chart.value_label}{times}")]
    if chart.smallest_difference:
        entries.append(LegendEntry("", QUIET, _shade_text(size, chart.smallest_difference)))
    if any(cell["best"] for cell in cells):
        entries.append(LegendEntry("▣", ACCENT, "chosen"))
    if any(cell["tied"] for cell in cells):
        entries.append(LegendEntry("▢", ACCENT, "cannot be told from it"))
    return entries


def _shade_text(size: float, smallest: float) -> str:
    shade, shown = number_format.hundredfold(size), number_format.hundredfold(smallest)
    if size > smallest:
        return f"each shade: {shade}; these data can show differences of {shown}"
    return f"each shade: {shown}, the smallest difference that these data can show"
