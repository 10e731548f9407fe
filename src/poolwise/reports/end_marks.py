"""Marks at the ends of a vertical axis: a triangle, and the value that lies beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.records import Number
from poolwise.reports import number_format
from poolwise.reports.axis_range import Row


def end_marks(
    points: Sequence[Row], base: alt.Chart, y: Mapping[str, Any], *, x: str = "x"
) -> list[alt.Chart]:
    """A triangle for each point beyond an end of the axis, with its value; values at the same ``x``
    stand one above the other.

    ``base`` encodes x and colour of the points; ``y`` are the options of their y axis.
    """
    beyond: list[dict[str, Any]] = []
    places: dict[tuple[Any, str], int] = {}
    for point in points:
        if end := point["end"]:
            place = (point[x], end)
            row = places[place] = places.get(place, -1) + 1
            text = number_format.value(Number("", point["value"]))
            down = end == "low"
            offset = (-1 if down else 1) * (4 + 14 * row)
            beyond.append({**point, "text": text, "angle": 180 if down else 0, "offset": offset})
    if not beyond:
        return []
    marks = base.properties(data=alt.InlineData(values=beyond)).encode(y=alt.Y("place:Q", **y))
    return [
        marks.mark_point(
            shape="triangle-up", angle=alt.ExprRef("datum.angle"), size=70, filled=True, opacity=1
        ),
        marks.mark_text(
            align="left",
            dx=9,
            dy=alt.ExprRef("datum.offset"),
            baseline="middle",
            fontSize=11.5,
        ).encode(text="text:N"),
    ]
