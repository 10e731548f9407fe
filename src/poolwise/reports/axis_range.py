"""The range of an axis, which values far from all others do not stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolwise.reports.rendered_chart import LegendEntry
from poolwise.reports.theme import QUIET

Row = Mapping[str, Any]

ROOM = 0.06
"""Between an end that cuts values off and all others, as a share of the axis."""

SHAPES = {"": "circle", "low": "triangle-left", "high": "triangle-right"}
"""What stands for a value: within the range, or at its low or high end on a horizontal axis."""


@dataclass(frozen=True, slots=True)
class AxisRange:
    """From ``low`` to ``high``, in the values' unit; ``cut``: some values lie outside."""

    low: float
    high: float
    cut: bool = False

    @property
    def domain(self) -> list[float]:
        """Both ends, as Vega-Lite has them."""
        return [self.low, self.high]

    def clamped(self, value: float | None) -> float | None:
        """The value, or the end of the axis that it lies beyond."""
        return None if value is None else min(max(value, self.low), self.high)

    def end(self, value: float | None) -> str:
        """The end that the value lies beyond, ``low`` or ``high``; nothing within the range."""
        if value is None or self.low <= value <= self.high:
            return ""
        return "low" if value < self.low else "high"

    def placed(self, row: Row) -> dict[str, Any]:
        """The row with ``place``, ``place_low`` and ``place_high``, its value and interval as far
        as the axis reaches, and the ``end`` that the value lies beyond."""
        places = {"place": "value", "place_low": "low", "place_high": "high"}
        return {
            **row,
            **{place: self.clamped(row.get(field)) for place, field in places.items()},
            "end": self.end(row.get("value")),
        }


def axis_range(
    rows: Sequence[Row],
    *,
    include: Sequence[float] = (),
    most: float = 1 / 3,
    both_ends: bool = False,
) -> AxisRange:
    """The extent of all intervals and of ``include``, without outliers.

    The lowest values are outliers where the gap above them is wider than all of the rest with its
    intervals, and they are at most a share ``most`` of the values; the highest likewise, but only
    with ``both_ends``: the best score stays in sight. From 0 to 1 where there is no extent.
    """
    ends = sorted(_ends(row) for row in rows if row.get("value") is not None)
    kept = _without_lowest(ends, include, most)
    if both_ends:
        kept = _mirrored(_without_lowest(_mirrored(kept), [-x for x in include], most))
    low, high = _extent(kept, include)
    if low >= high:
        return AxisRange(0.0, 1.0)
    room = ROOM * (high - low)
    cut_low = any(value < low for value, *_ in ends)
    cut_high = any(value > high for value, *_ in ends)
    return AxisRange(low - room * cut_low, high + room * cut_high, cut_low or cut_high)


def cut_legend(axis: AxisRange, symbol: str = "◁") -> list[LegendEntry]:
    """What a mark at an end of the axis means, where there is one."""
    text = "beyond the end of the axis, which shows all others in detail"
    return [LegendEntry(symbol, QUIET, text)] if axis.cut else []


_Ends = tuple[float, float, float]
"""A value with its interval; itself where it has none."""


def _ends(row: Row) -> _Ends:
    value = row["value"]
    low, high = row.get("low"), row.get("high")
    return value, value if low is None else low, value if high is None else high


def _without_lowest(
    ends: Sequence[_Ends], include: Sequence[float], most: float
) -> Sequence[_Ends]:
    for k in range(1, int(len(ends) * most) + 1):
        low, high = _extent(ends[k:], include)
        if 0 < high - low < low - ends[k - 1][0]:
            return ends[k:]
    return ends


def _mirrored(ends: Sequence[_Ends]) -> Sequence[_Ends]:
    return sorted((-value, -high, -low) for value, low, high in ends)


def _extent(ends: Sequence[_Ends], include: Sequence[float]) -> tuple[float, float]:
    values = [*(x for row in ends for x in row), *include]
    return (min(values), max(values)) if values else (0.0, 0.0)
