"""Charts read row by row, as a table: a name, a dot with its interval, numbers.

On a narrow page the name and the numbers stand in the upper half of a row, the dot in the lower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.records import Number
from poolwise.reports.labels import minus
from poolwise.reports.theme import INK, RULE

LANE = 34
"""Height of a row, in pixels."""

Row = Mapping[str, Any]


def number(row: Row) -> Number:
    """What the row measures."""
    return Number(row["name"], row["value"], row["low"], row["high"])


def middle(k: int) -> int:
    """Where row ``k`` has its middle, in pixels from the top."""
    return LANE * k + LANE // 2


def name_width(placed: Sequence[Row]) -> int:
    """Pixels that the names take at the left of a wide page."""
    longest = max((len(row["name"]) for row in placed), default=0)
    return min(360, max(90, 30 + round(6.9 * longest)))


def upper(narrow: str) -> Any:
    """The y of names and numbers: a row's middle, or above it where ``narrow`` holds."""
    return alt.value(alt.ExprRef(f"datum.at - ({narrow} ? 7 : 0)"))


def lower(narrow: str) -> Any:
    """The y of dots: a row's middle, or below it where ``narrow`` holds."""
    return alt.value(alt.ExprRef(f"datum.at + ({narrow} ? 9 : 0)"))


def axis(title: str, domain: Sequence[float], narrow: str, left: str, right: str) -> alt.X:
    """The x axis of a plot that reaches from ``left`` to ``right``, expressions in pixels.

    Where ``narrow`` holds there is no grid: it would run through the names.
    """
    return alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(
            domain=list(domain),
            nice=True,
            zero=False,
            range=[alt.ExprRef(left), alt.ExprRef(right)],
        ),
        axis=alt.Axis(
            gridOpacity=alt.ExprRef(f"{narrow} ? 0 : 1"),
            grid=True,
            domain=False,
            labelFlush=False,
            tickCount=alt.ExprRef(f"({right}) - ({left}) < 260 ? 3 : 6"),
            labelExpr=minus("datum.label"),
        ),
    )


def extent(placed: Sequence[Row]) -> list[float]:
    """From the lowest to the highest value or bound; nothing for rows without any."""
    found = [row.get(end) for row in placed for end in ("value", "low", "high")]
    known = [x for x in found if x is not None]
    return [min(known), max(known)] if known else []


def hairs(placed: Sequence[Row]) -> alt.Chart:
    """A hair under each row."""
    below = [{"at": row["at"] + LANE / 2} for row in placed]
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=below))
        .mark_rule(color=RULE)
        .encode(
            x=alt.value(0),
            x2=alt.value(alt.ExprRef("width")),
            y=alt.value(alt.ExprRef("datum.at")),
        )
    )
    return drawn


def mark(placed: Sequence[Row], narrow: str, x: alt.X, value: float, **look: Any) -> alt.Chart:
    """A line down at ``value``, broken where ``narrow`` holds, so as not to run through text."""
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{"at": row["at"], "value": value} for row in placed]))
        .mark_rule(**look)
        .encode(
            x=x,
            y=alt.value(alt.ExprRef(f"datum.at - ({narrow} ? 0 : {LANE / 2})")),
            y2=alt.value(alt.ExprRef(f"datum.at + {LANE / 2}")),
        )
    )
    return drawn


def names(placed: Sequence[Row], narrow: str, limits: tuple[int, int]) -> alt.Chart:
    """The names, in their ``ink`` and ``weight``.

    ``limits``: pixels that a name may take on a wide page, and must leave on a narrow one.
    """
    beside, left_over = limits
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=list(placed)))
        .mark_text(
            align="left",
            baseline="middle",
            color=alt.ExprRef("datum.ink"),
            fontWeight=alt.ExprRef("datum.weight"),
            limit=alt.ExprRef(f"{narrow} ? width - {left_over} : {beside}"),
        )
        .encode(x=alt.value(0), y=upper(narrow), text="name:N", tooltip="name:N")
    )
    return drawn


def column(
    placed: Sequence[Row], field: str, ends: tuple[int, int], narrow: str, y: Any, **look: Any
) -> alt.Chart:
    """A column of text; ``ends`` are pixels from the right, on a wide page and a narrow one."""
    wide, small = ends
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=list(placed)))
        .mark_text(align="right", baseline="middle", **{"color": INK, **look})
        .encode(
            x=alt.value(alt.ExprRef(f"width - ({narrow} ? {small} : {wide})")),
            y=y,
            text=f"{field}:N",
        )
    )
    return drawn


def dots(
    placed: Sequence[Row], narrow: str, x: alt.X, tooltip: Mapping[str, str]
) -> list[alt.Chart]:
    """A dot with its interval, in a row's ``color`` and ``fill``.

    ``tooltip`` maps fields to what they are called there.
    """
    color = alt.ExprRef("datum.color")
    shown = [row for row in placed if row.get("value") is not None]
    base = alt.Chart(alt.InlineData(values=shown)).encode(
        y=lower(narrow),
        tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in tooltip.items()],
    )
    low = x.copy()
    low.shorthand = "low:Q"
    bars = base.mark_rule(color=color, strokeWidth=2.4, opacity=0.75).encode(x=low, x2="high:Q")
    points = base.mark_point(
        size=78,
        filled=False,
        fill=alt.ExprRef("datum.fill"),
        stroke=color,
        strokeWidth=2,
        opacity=1,
    ).encode(x=x)
    return [bars, points]
