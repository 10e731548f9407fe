"""Scores by the number of rows that a classifier is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """The score after ``n`` rows of train; ``frozen``: of a linear probe on frozen vectors."""

    n: int
    series: str
    estimate: IntervalEstimate
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class LearningCurve(Chart):
    """One curve a series, fine-tuned, and one of its frozen probe.

    ``fine_tuned``: False where no encoder was trained, so that there is nothing to tell apart.
    """

    kind: ClassVar[str] = "learning_curve"
    points: Sequence[LearningPoint]
    x_label: str = field(kw_only=True)
    y_label: str = field(kw_only=True)
    fine_tuned: bool = field(default=True, kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``n, series, value, low, high, frozen``."""
        return {
            "x_label": self.x_label,
            "y_label": self.y_label,
            "n": [point.n for point in self.points],
            "series": [point.series for point in self.points],
            **interval_columns(point.estimate for point in self.points),
            "frozen": [point.frozen for point in self.points],
        }
