"""Every readout's score with its interval, best first; beside it what the readout costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from poolwise.json_values import rows
from poolwise.records import Chart
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import PAGE, Drawing, Key, Panel
from poolwise.reports.row_layout import (
    LANE,
    Row,
    axis,
    column,
    dots,
    extent,
    hairs,
    lower,
    mark,
    middle,
    name_width,
    names,
    number,
    upper,
)
from poolwise.reports.theme import ACCENT, CONTROL, INK, PAPER, QUIET, RULE, SERIES

COLUMNS = ("name", "value", "low", "high", "tied", "best", "baseline", "dimensions", "cost")
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

# A row's kind, the first that holds → colour of its dot, of its middle, what it means
KINDS = {
    "best": (ACCENT, ACCENT, "chosen"),
    "tied": (ACCENT, PAPER, "cannot be told from it"),
    "baseline": (CONTROL, CONTROL, "baseline"),
    "": (SERIES[0], SERIES[0], "lower"),
}


def ranking(chart: Chart) -> Drawing:
    """A row a readout: name, score with 95 % interval, size of a vector, share of blocks run.

    Columns of equal length ``name, value, low, high, tied, best, baseline, dimensions, cost``;
    ``cost`` is the share of the encoder's blocks that run, 0 to 1; ``value_label``. None is a
    gap; rows without value stand last.
    """
    placed = _placed(rows(chart.data, COLUMNS))
    height, beside = LANE * max(1, len(placed)), name_width(placed)
    ends = extent(placed)
    x = axis(
        chart.data["value_label"],
        ends if ends and ends[0] < ends[1] else [0.0, 1.0],
        NARROW,
        f"{NARROW} ? 18 : {beside}",
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
        hairs(placed),
        *(
            mark(placed, NARROW, x, row["value"], color=ACCENT, opacity=0.5, strokeDash=[2, 3])
            for row in placed
            if row["best"] and row["value"] is not None
        ),
        *dots(placed, NARROW, x, tooltip),
        names(placed, NARROW, (beside - 12, NUMBERS)),
        *_columns(placed),
        *_bars(placed),
        *(_head(*head) for head in (("dimensions", DIMENSIONS), ("blocks run", COST))),
    ]
    spec = alt.LayerChart(layer=layers, height=height).to_dict(validate=False)
    return Drawing([Panel("", spec)], key=_key(placed), least=PAGE)


def _placed(given: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows, best first, with what is written in them."""
    best_first = sorted(given, key=lambda row: (row["value"] is None, -(row["value"] or 0)))
    decimals = digits.in_column([number(row) for row in given])
    placed = []
    for k, row in enumerate(best_first):
        color, fill, _ = KINDS[_kind(row)]
        placed.append(
            {
                **row,
                "at": middle(k),
                "color": color,
                "fill": fill,
                "ink": CONTROL if row["baseline"] else INK,
                "weight": 700 if row["best"] else 400,
                "text": digits.value(number(row), decimals),
                "interval": digits.interval(number(row), decimals),
                "size": digits.NONE if row["dimensions"] is None else f"{row['dimensions']:,}",
                "bytes": _bytes(row["dimensions"]),
                "share": digits.NONE if row["cost"] is None else f"{100 * row['cost']:.0f} %",
            }
        )
    return placed


def _kind(row: Row) -> str:
    return next(kind for kind in KINDS if not kind or row[kind])


def _bytes(dimensions: int | None) -> str:
    """Of a vector in float32."""
    if dimensions is None:
        return ""
    return f"{4 * dimensions} B" if dimensions < 250 else f"{dimensions / 250:.1f} kB"


def _columns(placed: Sequence[Row]) -> list[alt.Chart]:
    over, under = upper(NARROW), lower(NARROW)
    weight = alt.ExprRef("datum.best ? 700 : 600")
    ink = alt.ExprRef("datum.ink")
    return [
        column(placed, "text", VALUE, NARROW, over, fontWeight=weight, color=ink),
        column(placed, "interval", INTERVAL, NARROW, over, color=QUIET),
        column(placed, "size", DIMENSIONS, NARROW, under),
        column(placed, "bytes", BYTES, NARROW, under, color=QUIET),
        column(placed, "share", COST, NARROW, under),
    ]


def _bars(placed: Sequence[Row]) -> list[alt.Chart]:
    """The share of blocks run, in its track; on a narrow page the number is enough."""
    known = [row for row in placed if row["cost"] is not None]
    base = alt.Chart(alt.InlineData(values=known)).encode(
        x=alt.value(alt.ExprRef(f"width - {BAR_END + BAR}")),
        y=alt.value(alt.ExprRef("datum.at - 4")),
        y2=alt.value(alt.ExprRef("datum.at + 4")),
    )
    look: dict[str, Any] = {"cornerRadius": 2, "opacity": alt.ExprRef(f"{NARROW} ? 0 : 1")}
    full = f"width - {BAR_END}"
    return [
        base.mark_rect(color=RULE, **look).encode(x2=alt.value(alt.ExprRef(full))),
        base.mark_rect(color=QUIET, **look).encode(
            x2=alt.value(alt.ExprRef(f"{full} - {BAR} * (1 - datum.cost)"))
        ),
    ]


def _head(text: str, ends: tuple[int, int]) -> alt.Chart:
    above = alt.value(-10)
    return column([{"text": text}], "text", ends, NARROW, above, color=QUIET, fontSize=11.5)


def _key(placed: Sequence[Row]) -> list[Key]:
    found = {_kind(row) for row in placed}
    return [
        Key("○" if fill == PAPER else "●", color, text)
        for kind, (color, fill, text) in KINDS.items()
        if kind in found
    ]
