"""Scores against the time that a text takes: what is worth its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns


@dataclass(frozen=True, slots=True)
class CostPoint:
    """A readout of ``model`` that takes ``milliseconds`` a text.

    ``front``: no other is as fast and scores higher. ``best`` is the one chosen, ``reference`` the
    one used now.
    """

    name: str
    model: str
    milliseconds: float
    estimate: IntervalEstimate
    front: bool = False
    best: bool = False
    reference: bool = False


@dataclass(frozen=True, slots=True)
class CostFront(Chart):
    """Points in any order; ``y_label`` names the score."""

    kind: ClassVar[str] = "cost_front"
    points: Sequence[CostPoint]
    y_label: str = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``name, model, milliseconds, value, low, high, front, best, reference``."""
        return {
            "y_label": self.y_label,
            "name": [point.name for point in self.points],
            "model": [point.model for point in self.points],
            "milliseconds": [point.milliseconds for point in self.points],
            **interval_columns(point.estimate for point in self.points),
            "front": [point.front for point in self.points],
            "best": [point.best for point in self.points],
            "reference": [point.reference for point in self.points],
        }
