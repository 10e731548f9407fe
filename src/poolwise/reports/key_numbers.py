"""The numbers of a finding that stand on the page unfolded, in a table a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from poolwise.charts import Chart, ForestPlot, Ranking
from poolwise.records import Finding, Number

MOST_MEASURED, MOST_OTHER = 8, 4
"""Numbers in the table of what was measured, and in each of the others."""

NUMBERED = (ForestPlot, Ranking)
"""Charts that write every value with its interval."""


@dataclass(frozen=True, slots=True)
class NumberTable:
    """Numbers of one kind, under its name."""

    heading: str
    numbers: Sequence[Number]


def key_tables(finding: Finding) -> list[NumberTable]:
    """The first numbers of each kind: a study names its most telling first.

    Left out are those that a chart writes, and others of the same name: further rows of that chart.
    """
    written = {row for chart in finding.charts for row in _written(chart)}
    charted = {n.name for n in finding.numbers if (n.value, n.low, n.high) in written}
    distinct = {(n.value, n.low, n.high, *n.where.items()): n for n in reversed(finding.numbers)}
    numbers = [n for n in reversed(distinct.values()) if n.name not in charted]
    tables = [
        NumberTable("Measured", [n for n in numbers if kind(n) == ""][:MOST_MEASURED]),
        NumberTable("Baselines", [n for n in numbers if n.baseline][:MOST_OTHER]),
        NumberTable("Null controls", [n for n in numbers if kind(n) == NULL][:MOST_OTHER]),
    ]
    return [table for table in tables if table.numbers]


NULL, BASELINE = "null control", "baseline"


def kind(number: Number) -> str:
    """``null control``, ``baseline``, or nothing."""
    return BASELINE if number.baseline else NULL if number.control else ""


def _written(chart: Chart) -> list[tuple[Any, ...]]:
    if not isinstance(chart, NUMBERED):
        return []
    columns = chart.data
    return [
        row
        for row in zip(columns["value"], columns["low"], columns["high"], strict=True)
        if row[0] is not None
    ]
