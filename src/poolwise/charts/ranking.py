"""Readouts and baselines with what they score and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns


@dataclass(frozen=True, slots=True)
class RankingRow:
    """One readout. ``tied``: on dev it cannot be told from the best.

    ``whole_value``: the score on all rows, where that is not the score on test. ``dimensions``: of
    a vector. ``cost``: the share of the encoder's blocks that run, 0 to 1. None where unknown.
    """

    name: str
    estimate: IntervalEstimate
    dimensions: int | None
    cost: float | None
    whole_value: float | None = None
    best: bool = False
    tied: bool = False
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Ranking(Chart):
    """Rows best first; ``value_label`` names the score and its split."""

    kind: ClassVar[str] = "ranking"
    rows: Sequence[RankingRow]
    value_label: str = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``name, value, low, high, whole, best, tied, baseline, dimensions, cost``."""
        return {
            "value_label": self.value_label,
            "name": [row.name for row in self.rows],
            **interval_columns(row.estimate for row in self.rows),
            "whole": [row.whole_value for row in self.rows],
            "best": [row.best for row in self.rows],
            "tied": [row.tied for row in self.rows],
            "baseline": [row.baseline for row in self.rows],
            "dimensions": [row.dimensions for row in self.rows],
            "cost": [row.cost for row in self.rows],
        }
