"""Every readout's score with its interval, best first; beside it what the readout costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from poolwise.charts import Ranking
from poolwise.reports import number_format
from poolwise.reports.axis_range import axis_range, cut_legend
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.rendered_chart import PAGE_WIDTH, LegendEntry, Panel, RenderedChart
from poolwise.reports.row_layout import (
    Row,
    chart_height,
    dot_y,
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
from poolwise.reports.theme import ACCENT, CONTROL, INK, PAPER, QUIET, RULE, SERIES

NARROW = "width < 760"
NUMBERS = 172
"""Pixels that score and interval take at the right of a narrow page."""

# Columns at the right of the plot → where each ends, in pixels from the right: on a wide page and
# on a narrow one.
VALUE, INTERVAL = (392, 126), (268, 0)
DIMENSIONS, BYTES, COST = (196, 104), (132, 46), (0, 0)
PLOT = (452, 148)

BAR, BAR_END = 66, 44
"""Length of the bar of a readout that runs every block; its distance from the right."""

# A row's kind, the first that holds → colour of its dot, of its middle, meaning
KINDS = {
    "best": (ACCENT, ACCENT, "chosen"),
    "tied": (ACCENT, PAPER, "cannot be told from it"),
    "baseline": (CONTROL, CONTROL, "baseline"),
    "": (SERIES[0], SERIES[0], "lower"),
}


def ranking(chart: Ranking) -> RenderedChart:
    """A row a readout: name, score with 95 % interval, size of a vector, share of blocks run.

    None is a gap; rows without a score are last.
    """
    scores = inline_rows(chart.rows)
    axis = axis_range(scores)
    rows = _layout([axis.placed(row) for row in scores])
    names = name_width(rows)
    x = value_axis(
        chart.value_label,
        axis,
        NARROW,
        f"{NARROW} ? 18 : {names}",
        f"width - ({NARROW} ? {PLOT[1]} : {PLOT[0]})",
    )
    tooltip = {
        "name": "readout",
        "text": "score",
        "interval": "95 % interval",
        "size": "dimensions",
        "share": "blocks run",
    }
    layers = [
        row_rules(rows),
        *(
            value_rule(rows, NARROW, x, row["place"], color=ACCENT, opacity=0.5, strokeDash=[2, 3])
            for row in rows
            if row["best"] and row["value"] is not None
        ),
        *interval_dots(rows, NARROW, x, tooltip),
        row_names(rows, NARROW, (names - 12, NUMBERS)),
        *_columns(rows),
        *_bars(rows),
        _column_name("dimensions", DIMENSIONS),
        _column_name("blocks run", COST),
    ]
    layered = alt.LayerChart(layer=layers, height=chart_height(rows))
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))],
        legend=[*_legend(rows), *cut_legend(axis)],
        min_width=PAGE_WIDTH,
    )


def _layout(scores: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows, best first, with their texts and styles."""
    best_first = sorted(scores, key=lambda row: (row["value"] is None, -(row["value"] or 0)))
    decimals = number_format.column_decimals([number(row) for row in scores])
    rows = []
    for k, row in enumerate(best_first):
        color, fill, _ = KINDS[_kind(row)]
        dimensions, cost = row["dimensions"], row["cost"]
        rows.append(
            {
                **row,
                "y": row_center(k),
                "color": color,
                "fill": fill,
                "ink": CONTROL if row["baseline"] else INK,
                "weight": 700 if row["best"] else 400,
                "text": number_format.value(number(row), decimals),
                "interval": number_format.interval(number(row), decimals),
                "size": number_format.NONE if dimensions is None else f"{dimensions:,}",
                "bytes": _bytes(dimensions),
                "share": number_format.NONE if cost is None else f"{100 * cost:.0f} %",
            }
        )
    return rows


def _kind(row: Row) -> str:
    return next(kind for kind in KINDS if not kind or row[kind])


def _bytes(dimensions: int | None) -> str:
    """Of a vector in float32."""
    if dimensions is None:
        return ""
    return f"{4 * dimensions} B" if dimensions < 250 else f"{dimensions / 250:.1f} kB"


def _columns(rows: Sequence[Row]) -> list[alt.Chart]:
    upper, lower = text_y(NARROW), dot_y(NARROW)
    weight = alt.ExprRef("datum.best ? 700 : 600")
    ink = alt.ExprRef("datum.ink")
    return [
        text_column(rows, "text", VALUE, NARROW, upper, fontWeight=weight, color=ink),
        text_column(rows, "interval", INTERVAL, NARROW, upper, color=QUIET),
        text_column(rows, "size", DIMENSIONS, NARROW, lower),
        text_column(rows, "bytes", BYTES, NARROW, lower, color=QUIET),
        text_column(rows, "share", COST, NARROW, lower),
    ]


def _bars(rows: Sequence[Row]) -> list[alt.Chart]:
    """The share of blocks run, in its track; on a narrow page the number is enough."""
    measured = [row for row in rows if row["cost"] is not None]
    base = alt.Chart(alt.InlineData(values=measured)).encode(
        x=alt.value(alt.ExprRef(f"width - {BAR_END + BAR}")),
        y=alt.value(alt.ExprRef("datum.y - 4")),
        y2=alt.value(alt.ExprRef("datum.y + 4")),
    )
    style: dict[str, Any] = {"cornerRadius": 2, "opacity": alt.ExprRef(f"{NARROW} ? 0 : 1")}
    full = f"width - {BAR_END}"
    return [
        base.mark_rect(color=RULE, **style).encode(x2=alt.value(alt.ExprRef(full))),
        base.mark_rect(color=QUIET, **style).encode(
            x2=alt.value(alt.ExprRef(f"{full} - {BAR} * (1 - datum.cost)"))
        ),
    ]


def _column_name(text: str, ends: tuple[int, int]) -> alt.Chart:
    above = alt.value(-10)
    return text_column([{"text": text}], "text", ends, NARROW, above, color=QUIET, fontSize=11.5)


def _legend(rows: Sequence[Row]) -> list[LegendEntry]:
    kinds = {_kind(row) for row in rows}
    return [
        LegendEntry("○" if fill == PAPER else "●", color, text)
        for kind, (color, fill, text) in KINDS.items()
        if kind in kinds
    ]
