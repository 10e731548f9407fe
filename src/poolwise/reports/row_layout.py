"""Charts laid out row by row, as a table: a name, a dot with its interval, numbers.

On a narrow page the name and the numbers are in the upper half of a row, the dot in the lower.
Every row's ``y`` is its centre in pixels from the top; ``narrow`` is an expression that holds
where the page is narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.records import Number
from poolwise.reports.axis_range import SHAPES, AxisRange
from poolwise.reports.labels import minus
from poolwise.reports.theme import INK, RULE

ROW_HEIGHT = 34
"""In pixels."""

Row = Mapping[str, Any]


def number(row: Row) -> Number:
    """The row's value with its interval."""
    return Number("", row["value"], row["low"], row["high"])


def row_center(k: int) -> int:
    """The centre of row ``k``, in pixels from the top."""
    return ROW_HEIGHT * k + ROW_HEIGHT // 2


def chart_height(rows: Sequence[Row]) -> int:
    """The height of all rows, in pixels; of one where there is none."""
    return ROW_HEIGHT * max(1, len(rows))


def name_width(rows: Sequence[Row]) -> int:
    """Pixels that the names take at the left of a wide page."""
    longest = max((len(row["name"]) for row in rows), default=0)
    return min(360, max(90, 30 + round(6.9 * longest)))


def text_y(narrow: str) -> Any:
    """The y of names and numbers: a row's centre, or above it where ``narrow`` holds."""
    return alt.value(alt.ExprRef(f"datum.y - ({narrow} ? 7 : 0)"))


def dot_y(narrow: str) -> Any:
    """The y of dots: a row's centre, or below it where ``narrow`` holds."""
    return alt.value(alt.ExprRef(f"datum.y + ({narrow} ? 9 : 0)"))


def value_axis(title: str, axis: AxisRange, narrow: str, left: str, right: str) -> alt.X:
    """The x axis of a plot that reaches from ``left`` to ``right``, expressions in pixels.

    It shows the field ``place`` of rows that ``axis`` has placed. Where ``narrow`` holds there is
    no grid: it would run through the names.
    """
    return alt.X(
        "place:Q",
        title=title,
        scale=alt.Scale(
            domain=axis.domain,
            nice=not axis.cut,
            zero=False,
            range=[alt.ExprRef(left), alt.ExprRef(right)],
        ),
        axis=alt.Axis(
            gridOpacity=alt.ExprRef(f"{narrow} ? 0 : 1"),
            grid=True,
            domain=False,
            labelFlush=False,
            tickCount=alt.ExprRef(f"({right}) - ({left}) < 360 ? 3 : 6"),
            labelOverlap=True,
            labelExpr=minus("datum.label"),
        ),
    )


def extent(rows: Sequence[Row]) -> list[float]:
    """The lowest and the highest value or bound; nothing for rows without any."""
    ends = [row.get(field) for row in rows for field in ("value", "low", "high")]
    numbers = [x for x in ends if x is not None]
    return [min(numbers), max(numbers)] if numbers else []


def row_rules(rows: Sequence[Row]) -> alt.Chart:
    """A thin line below each row."""
    below = [{"y": row["y"] + ROW_HEIGHT / 2} for row in rows]
    rules: alt.Chart = (
        alt.Chart(alt.InlineData(values=below))
        .mark_rule(color=RULE)
        .encode(
            x=alt.value(0),
            x2=alt.value(alt.ExprRef("width")),
            y=alt.value(alt.ExprRef("datum.y")),
        )
    )
    return rules


def value_rule(rows: Sequence[Row], narrow: str, x: alt.X, value: float, **style: Any) -> alt.Chart:
    """A line down at ``value``, broken where ``narrow`` holds, so as not to run through text."""
    rule: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{"y": row["y"], "place": value} for row in rows]))
        .mark_rule(**style)
        .encode(
            x=x,
            y=alt.value(alt.ExprRef(f"datum.y - ({narrow} ? 0 : {ROW_HEIGHT / 2})")),
            y2=alt.value(alt.ExprRef(f"datum.y + {ROW_HEIGHT / 2}")),
        )
    )
    return rule


def row_names(rows: Sequence[Row], narrow: str, limits: tuple[int, int]) -> alt.Chart:
    """The names, in each row's ``ink`` and ``weight``.

    ``limits``: pixels that a name may take on a wide page, and must leave on a narrow one.
    """
    wide, margin = limits
    names: alt.Chart = (
        alt.Chart(alt.InlineData(values=list(rows)))
        .mark_text(
            align="left",
            baseline="middle",
            color=alt.ExprRef("datum.ink"),
            fontWeight=alt.ExprRef("datum.weight"),
            limit=alt.ExprRef(f"{narrow} ? width - {margin} : {wide}"),
        )
        .encode(x=alt.value(0), y=text_y(narrow), text="name:N", tooltip="name:N")
    )
    return names


def text_column(
    rows: Sequence[Row], field: str, ends: tuple[int, int], narrow: str, y: Any, **style: Any
) -> alt.Chart:
    """A column of text; ``ends`` are pixels from the right, on a wide page and a narrow one."""
    wide_end, narrow_end = ends
    column: alt.Chart = (
        alt.Chart(alt.InlineData(values=list(rows)))
        .mark_text(align="right", baseline="middle", **{"color": INK, **style})
        .encode(
            x=alt.value(alt.ExprRef(f"width - ({narrow} ? {narrow_end} : {wide_end})")),
            y=y,
            text=f"{field}:N",
        )
    )
    return column


def interval_dots(
    rows: Sequence[Row], narrow: str, x: alt.X, tooltip: Mapping[str, str]
) -> list[alt.Chart]:
    """A dot with its interval, in each row's ``color`` and ``fill``; none where there is no value.

    A triangle at the end of the axis stands for a value beyond it.
    ``tooltip`` maps fields to their titles in it.
    """
    color = alt.ExprRef("datum.color")
    measured = [
        {**row, "shape": SHAPES[row["end"]]} for row in rows if row.get("value") is not None
    ]
    base = alt.Chart(alt.InlineData(values=measured)).encode(
        y=dot_y(narrow),
        tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in tooltip.items()],
    )
    low = x.copy()
    low.shorthand = "place_low:Q"
    bars = base.mark_rule(color=color, strokeWidth=2.4, opacity=0.75).encode(
        x=low, x2="place_high:Q"
    )
    points = base.mark_point(
        size=78,
        filled=False,
        shape=alt.ExprRef("datum.shape"),
        fill=alt.ExprRef("datum.fill"),
        stroke=color,
        strokeWidth=2,
        opacity=1,
    ).encode(x=x)
    return [bars, points]
