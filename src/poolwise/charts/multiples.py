"""Small multiples: a panel of curves a task, with the bands of its controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns


@dataclass(frozen=True, slots=True)
class PanelPoint:
    """A point of the curve ``series`` in ``panel``; ``x`` is a layer, a block or a length."""

    panel: str
    x: int
    series: str
    estimate: IntervalEstimate


@dataclass(frozen=True, slots=True)
class Band:
    """The interval of a control, along the whole x axis of ``panel``; None is not drawn."""

    panel: str
    name: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SmallMultiples(Chart):
    """One panel of curves each ``panel``. ``shared_y``: all have the same y axis."""

    kind: ClassVar[str] = "multiples"
    points: Sequence[PanelPoint]
    bands: Sequence[Band] = ()
    x_label: str = field(kw_only=True)
    y_label: str = field(kw_only=True)
    shared_y: bool = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``panel, layer`` (x), ``series, value, low, high``; ``bands`` with columns
        ``panel, low, high, name``."""
        return {
            "x_label": self.x_label,
            "y_label": self.y_label,
            "shared_y": self.shared_y,
            "panel": [point.panel for point in self.points],
            "layer": [point.x for point in self.points],
            "series": [point.series for point in self.points],
            **interval_columns(point.estimate for point in self.points),
            "bands": {
                "panel": [band.panel for band in self.bands],
                "low": [band.low for band in self.bands],
                "high": [band.high for band in self.bands],
                "name": [band.name for band in self.bands],
            },
        }
