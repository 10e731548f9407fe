"""Paired differences with their intervals, a row each, about a line at zero."""

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
    mark,
    middle,
    name_width,
    names,
    number,
    upper,
)
from poolwise.reports.theme import CONTROL, INK, PAPER, QUIET, SERIES

COLUMNS = ("name", "value", "low", "high", "control", "clear")
NARROW = "width < 640"
NUMBERS = 200, 176
"""Pixels that the numbers take at the right, on a wide page and on a narrow one."""


def forest(chart: Chart) -> Drawing:
    """A dot and its 95 % interval a row, in the order given; controls are grey.

    Columns of equal length ``name, value, low, high, control, clear`` (does the corrected
    interval exclude zero?) and, for rows under headings, ``group``; ``x_label``; ``reference``,
    what the others are compared with. None is a row without dot.
    """
    data = chart.data
    groups = data.get("group", [""] * len(data["name"]))
    given = rows({**data, "group": groups}, (*COLUMNS, "group"))
    placed = _placed(given)
    height, beside = LANE * max(1, len(placed)), name_width(placed)
    low, high = _domain(given)
    x = axis(
        data["x_label"],
        [low, high],
        NARROW,
        f"{NARROW} ? 18 : {beside}",
        f"{NARROW} ? width - 18 : width - {NUMBERS[0] + 24}",
    )
    measured = [row for row in placed if "value" in row]
    tooltip = {"name": "readout", "text": "difference", "interval": "95 % interval"}
    layers = [
        hairs(placed),
        mark(placed, NARROW, x, 0, color=INK, strokeWidth=1.2),
        _reference(data["reference"], x),
        *dots(measured, NARROW, x, tooltip),
        names(placed, NARROW, (beside - 12, NUMBERS[1])),
        column(
            measured,
            "text",
            (126, 126),
            NARROW,
            upper(NARROW),
            color=alt.ExprRef("datum.ink"),
            fontWeight=alt.ExprRef("datum.clear ? 600 : 400"),
        ),
        column(measured, "interval", (0, 0), NARROW, upper(NARROW), color=QUIET),
    ]
    spec = alt.LayerChart(layer=layers, height=height).to_dict(validate=False)
    return Drawing([Panel("", spec)], key=_key(given), least=PAGE)


def _placed(given: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows from the top with what is written in them, under their headings."""
    decimals = digits.in_column([number(row) for row in given])
    placed: list[dict[str, Any]] = []
    group = ""
    for row in given:
        if row["group"] != group:
            group = row["group"]
            heading = {"name": group, "ink": INK, "weight": 600, "at": middle(len(placed))}
            placed.append(heading)
        color = CONTROL if row["control"] else SERIES[0]
        placed.append(
            {
                **row,
                "at": middle(len(placed)),
                "text": digits.signed(number(row), decimals),
                "interval": digits.interval(number(row), decimals),
                "color": color,
                "fill": color if row["clear"] else PAPER,
                "ink": CONTROL if row["control"] else INK,
                "weight": 400,
            }
        )
    return placed


def _domain(given: Sequence[Row]) -> tuple[float, float]:
    ends = [0.0, *extent(given)]
    return (min(ends), max(ends)) if min(ends) < max(ends) else (-1.0, 1.0)


def _reference(text: str, x: alt.X) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{"value": 0}]))
        .mark_text(text=text, color=QUIET, baseline="bottom")
        .encode(x=x, y=alt.value(-8))
    )
    return drawn


def _key(given: Sequence[Row]) -> list[Key]:
    marks = [
        Key("●", SERIES[0], "clear: the corrected interval excludes zero"),
        Key("○", SERIES[0], "no difference that this data can show"),
    ]
    if any(row["control"] for row in given):
        marks.append(Key("●", CONTROL, "control"))
    return marks
