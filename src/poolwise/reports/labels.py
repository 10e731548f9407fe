"""Labels at the ends of lines, moved apart where they would overlap."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from poolwise.reports.theme import HEIGHT

GAP = 17
"""Least distance of two labels' centres, in pixels."""

NARROW = 470
"""Below this many pixels of container the labels move under the plot, as a key."""

KEY_TOP = HEIGHT + 62


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The last point of a line, in data units, and the name to write there."""

    text: str
    color: str
    x: float
    y: float
    dash: bool = False


def lines(text: str, columns: int = 52) -> list[str]:
    """The text in lines that fit the plot of a narrow page."""
    return textwrap.wrap(text, columns) or [""]


def minus(label: str) -> str:
    """The expression ``label`` with a minus sign where it has a hyphen."""
    return f"replace({label}, '-', '−')"


def dodge(positions: Sequence[float], gap: float = GAP, height: float = HEIGHT) -> list[float]:
    """Positions [n] at least ``gap`` apart, as near to ``positions`` [n] as that permits.

    Pixels from the top. Labels that would touch form a block, at the mean of the positions its
    members have alone, but within ``height``; more labels than fit go on below.
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # for each member, the block's start that leaves it in place

    def start(block: list[float]) -> float:
        return max(0.0, min(sum(block) / len(block), height - gap * (len(block) - 1)))

    for i in order:
        blocks.append([positions[i]])
        while len(blocks) > 1 and start(blocks[-2]) + gap * len(blocks[-2]) > start(blocks[-1]):
            upper, lower = blocks[-2:]
            blocks[-2:] = [[*upper, *(top - gap * len(upper) for top in lower)]]
    dodged = [start(block) + gap * k for block in blocks for k in range(len(block))]
    position_of = dict(zip(order, dodged, strict=True))
    return [position_of[i] for i in range(len(positions))]


def end_labels(
    ends: Sequence[LineEnd], domain: tuple[float, float], *, key: bool = False
) -> list[alt.Chart]:
    """Layers that write each line's name to the right of the plot, with a thin line to its end.

    ``domain`` is the y axis's, bottom and top. With ``key`` the names go below the plot where
    the page is narrow, each after a sample of its line.
    """
    bottom, top = domain
    positions = dodge([HEIGHT * (top - end.y) / ((top - bottom) or 1.0) for end in ends])
    ranks = sorted(range(len(ends)), key=lambda i: positions[i])
    rows = [
        {
            "x": end.x,
            "y": end.y,
            "label_y": round(position, 1),
            "color": end.color,
            "text": end.text,
            "sample": "╌╌  " if end.dash else "──  ",
            "rank": ranks.index(i),
        }
        for i, (end, position) in enumerate(zip(ends, positions, strict=True))
    ]
    narrow = f"(containerSize()[0] < {NARROW})" if key else "false"
    color = alt.ExprRef("datum.color")
    base = alt.Chart(alt.InlineData(values=rows))
    leaders = base.mark_rule(color=color, opacity=alt.ExprRef(f"{narrow} ? 0 : 0.45")).encode(
        x="x:Q",
        y="y:Q",
        x2=alt.value(alt.ExprRef("width + 10")),
        y2=alt.value(alt.ExprRef("datum.label_y")),
    )
    names = base.mark_text(color=color, align="left", baseline="middle", limit=240).encode(
        x=alt.value(alt.ExprRef(f"{narrow} ? 0 : width + 14")),
        y=alt.value(alt.ExprRef(f"{narrow} ? {KEY_TOP} + {GAP + 2} * datum.rank : datum.label_y")),
        text=alt.value(alt.ExprRef(f"({narrow} ? datum.sample : '') + datum.text")),
    )
    return [leaders, names]
