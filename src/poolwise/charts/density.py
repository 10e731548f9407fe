"""Many points of a plane as a two-dimensional histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart

QUANTILES = ("q05", "q25", "q50", "q75", "q95")


@dataclass(frozen=True, slots=True)
class DensityCell:
    """``count`` texts, at least one, in ``[x0, x1)`` by ``[y0, y1)``."""

    x0: float
    x1: float
    y0: float
    y1: float
    count: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles of y at ``x``: of 5, 25, 50, 75 and 95 %. None lies outside the plot."""

    x: float
    q05: float | None
    q25: float | None
    q50: float | None
    q75: float | None
    q95: float | None


@dataclass(frozen=True, slots=True)
class Density(Chart):
    """How many texts lie where: cells, quantiles of y given x, and a straight line.

    ``line`` holds both ends of the line, (x, y) each, in the units of the axes.
    """

    kind: ClassVar[str] = "density"
    cells: Sequence[DensityCell]
    quantiles: Sequence[Quantiles]
    line: tuple[tuple[float, float], tuple[float, float]]
    line_label: str = field(kw_only=True)
    x_label: str = field(kw_only=True)
    y_label: str = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``x0, x1, y0, y1, count``; ``line`` with x and y; ``bands`` with x and a column
        a quantile."""
        names = ("x0", "x1", "y0", "y1", "count")
        return {
            "x_label": self.x_label,
            "y_label": self.y_label,
            **{name: [getattr(cell, name) for cell in self.cells] for name in names},
            "line": {"x": [x for x, _ in self.line], "y": [y for _, y in self.line]},
            "line_label": self.line_label,
            "bands": {
                name: [getattr(point, name) for point in self.quantiles]
                for name in ("x", *QUANTILES)
            },
        }
