"""How far candidates are from what is looked for, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart


@dataclass(frozen=True, slots=True)
class DistanceRow:
    """One candidate. ``best``: the nearest; ``same``: nothing tells it from the nearest."""

    name: str
    distance: float
    best: bool = False
    same: bool = False


@dataclass(frozen=True, slots=True)
class Distances(Chart):
    """Distances above or of zero, nearest first, which may differ by powers of ten.

    Up to ``tolerance`` they are those of the same thing. ``x_label`` says what the distance is.
    """

    kind: ClassVar[str] = "distances"
    rows: Sequence[DistanceRow]
    x_label: str = field(kw_only=True)
    tolerance: float = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """``tolerance``, and the columns ``name, distance, best, same``."""
        return {
            "x_label": self.x_label,
            "tolerance": self.tolerance,
            "name": [row.name for row in self.rows],
            "distance": [row.distance for row in self.rows],
            "best": [row.best for row in self.rows],
            "same": [row.same for row in self.rows],
        }
