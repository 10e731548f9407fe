"""How far candidates are from what is looked for, nearest first, on a logarithmic axis."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from poolwise.charts import DistanceRow, Distances
from poolwise.records import Number
from poolwise.reports import number_format
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.rendered_chart import PAGE_WIDTH, LegendEntry, Panel, RenderedChart
from poolwise.reports.row_layout import (
    Row,
    chart_height,
    dot_y,
    name_width,
    row_center,
    row_names,
    row_rules,
    text_column,
    text_y,
    value_rule,
)
from poolwise.reports.theme import ACCENT, INK, PAPER, SERIES

NARROW = "width < 640"
NUMBER = 84
"""Pixels that the number takes at the right."""

LEAST, MOST = -8, math.log10(2)
"""Powers of ten at the ends of the longest axis: below is no difference that float32 has."""


def distances(chart: Distances) -> RenderedChart:
    """A dot and its number a row; a line at what counts as the same."""
    low = _lowest([row.distance for row in chart.rows])
    rows = [_styled(row, k, low) for k, row in enumerate(chart.rows)]
    names = name_width(rows)
    x = _axis(chart.x_label, low, names)
    ink = alt.ExprRef("datum.color")
    layers = [
        row_rules(rows),
        value_rule(rows, NARROW, x, math.log10(chart.tolerance), color=ACCENT, strokeDash=[2, 3]),
        *_dots(rows, x),
        row_names(rows, NARROW, (names - 12, NUMBER)),
        text_column(rows, "text", (0, 0), NARROW, text_y(NARROW), color=ink),
    ]
    layered = alt.LayerChart(layer=layers, height=chart_height(rows))
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))], legend=_legend(chart), min_width=PAGE_WIDTH
    )


def _lowest(values: Sequence[float]) -> int:
    """The power of ten at the left end of the axis."""
    least = min((value for value in values if value > 0), default=1.0)
    zero = any(value <= 0 for value in values)
    return LEAST if zero else min(-2, max(LEAST, math.floor(math.log10(least))))


def _styled(row: DistanceRow, k: int, low: int) -> dict[str, Any]:
    (data,) = inline_rows([row])
    near = row.best or row.same
    return {
        **data,
        "y": row_center(k),
        "place": min(max(math.log10(row.distance), low), MOST) if row.distance > 0 else low,
        "text": number_format.value(Number("", row.distance)) if row.distance > 0 else "0",
        "color": ACCENT if near else SERIES[0],
        "fill": PAPER if row.same else ACCENT if near else SERIES[0],
        "ink": INK,
        "weight": 700 if row.best else 400,
    }


def _axis(title: str, low: int, names: int) -> alt.X:
    powers = list(range(low, 1))
    labels = [number_format.power_of_ten(power) for power in powers]
    return alt.X(
        "place:Q",
        title=title,
        scale=alt.Scale(
            domain=[low, MOST],
            nice=False,
            zero=False,
            range=[
                alt.ExprRef(f"{NARROW} ? 18 : {names}"),
                alt.ExprRef(f"width - ({NARROW} ? 18 : {NUMBER + 24})"),
            ],
        ),
        axis=alt.Axis(
            values=powers,
            labelExpr=f"{json.dumps(labels, ensure_ascii=False)}[datum.value - ({low})]",
            gridOpacity=alt.ExprRef(f"{NARROW} ? 0 : 1"),
            grid=True,
            domain=False,
            labelFlush=False,
            labelOverlap=True,
        ),
    )


def _dots(rows: Sequence[Row], x: alt.X) -> list[alt.Chart]:
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=x,
        y=dot_y(NARROW),
        tooltip=[alt.Tooltip("name:N", title="readout"), alt.Tooltip("text:N", title="distance")],
    )
    points: alt.Chart = base.mark_point(
        size=78,
        filled=False,
        fill=alt.ExprRef("datum.fill"),
        stroke=alt.ExprRef("datum.color"),
        strokeWidth=2,
        opacity=1,
    )
    return [points]


def _legend(chart: Distances) -> list[LegendEntry]:
    near = any(row.best and row.distance <= chart.tolerance for row in chart.rows)
    entries = [LegendEntry("●", ACCENT, "the nearest" if near else "the nearest, yet too far")]
    if any(row.same for row in chart.rows):
        entries.append(LegendEntry("○", ACCENT, "gives the same vectors"))
    if not all(row.best or row.same for row in chart.rows):
        entries.append(LegendEntry("●", SERIES[0], "others"))
    left = f"left of it, up to {chart.tolerance:.2g}: the same but for rounding"
    entries.append(LegendEntry("┊", ACCENT, left))
    return entries
