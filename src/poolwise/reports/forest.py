"""Paired differences with their intervals, a row each, about a line at zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from poolwise.charts import ForestPlot
from poolwise.reports import number_format
from poolwise.reports.axis_range import axis_range, cut_legend
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.labels import lines
from poolwise.reports.rendered_chart import PAGE_WIDTH, LegendEntry, Panel, RenderedChart
from poolwise.reports.row_layout import (
    Row,
    chart_height,
    interval_dots,
    name_width,
    number,
    row_center,
    row_names,
    row_rules,
    text_column,
    text_y,
    value_axis,
    value_rule,
)
from poolwise.reports.theme import CONTROL, INK, LINE, PAPER, QUIET, SERIES

NARROW = "width < 640"
NUMBERS = 200, 176
"""Pixels that the numbers take at the right, on a wide page and on a narrow one."""


def forest_plot(chart: ForestPlot) -> RenderedChart:
    """A dot and its 95 % interval a row, in their order; controls are grey; None has no dot."""
    differences = inline_rows(chart.rows)
    axis = axis_range(differences, include=[0.0], both_ends=True)
    rows = _layout([axis.placed(row) for row in differences])
    names = name_width(rows)
    measured = [row for row in rows if "value" in row]
    x = value_axis(
        chart.x_label,
        axis,
        NARROW,
        f"{NARROW} ? 18 : {names}",
        f"{NARROW} ? width - 18 : width - {NUMBERS[0] + 24}",
    )
    tooltip = {"name": "readout", "text": "difference", "interval": "95 % interval"}
    layers = [
        row_rules(rows),
        value_rule(rows, NARROW, x, 0, color=INK, strokeWidth=1.2),
        _reference(chart.reference, x),
        *interval_dots(measured, NARROW, x, tooltip),
        row_names(rows, NARROW, (names - 12, NUMBERS[1])),
        text_column(
            measured,
            "text",
            (126, 126),
            NARROW,
            text_y(NARROW),
            color=alt.ExprRef("datum.ink"),
            fontWeight=alt.ExprRef("datum.clear ? 600 : 400"),
        ),
        text_column(measured, "interval", (0, 0), NARROW, text_y(NARROW), color=QUIET),
    ]
    layered = alt.LayerChart(layer=layers, height=chart_height(rows))
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))],
        legend=[*_legend(measured), *cut_legend(axis)],
        min_width=PAGE_WIDTH,
    )


def _layout(differences: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows from the top with their texts and styles, below their headings."""
    decimals = number_format.column_decimals([number(row) for row in differences])
    rows: list[dict[str, Any]] = []
    group = None
    for row in differences:
        if row["group"] and row["group"] != group:
            y = row_center(len(rows))
            rows.append({"name": row["group"], "ink": INK, "weight": 600, "y": y})
        group = row["group"]
        color = CONTROL if row["control"] else SERIES[0]
        rows.append(
            {
                **row,
                "y": row_center(len(rows)),
                "text": number_format.signed(number(row), decimals),
                "interval": number_format.interval(number(row), decimals),
                "color": color,
                "fill": color if row["clear"] else PAPER,
                "ink": CONTROL if row["control"] else INK,
                "weight": 400,
            }
        )
    return rows


def _reference(text: str, x: alt.X) -> alt.Chart:
    """In lines that a narrow page has room for on both sides of zero."""
    rows = lines(text, 30)
    label: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{"place": 0}]))
        .mark_text(text=rows, color=QUIET, baseline="bottom")
        .encode(x=x, y=alt.value(-8 - LINE * (len(rows) - 1)))
    )
    return label


def _legend(rows: Sequence[Row]) -> list[LegendEntry]:
    entries = [
        LegendEntry("●", SERIES[0], "clear: the corrected interval excludes zero"),
        LegendEntry("○", SERIES[0], "no difference that this data can show"),
    ]
    if any(row["control"] for row in rows):
        entries.append(LegendEntry("●", CONTROL, "control"))
    return entries
