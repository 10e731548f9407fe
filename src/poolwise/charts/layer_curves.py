"""Curves over layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns


@dataclass(frozen=True, slots=True)
class LayerCurve:
    """One estimate a layer, from layer 0 up. ``control``: it should show nothing."""

    name: str
    values: Sequence[IntervalEstimate]
    control: bool = False


@dataclass(frozen=True, slots=True)
class LayerCurves(Chart):
    """Curves over the same layers. Raises ValueError where one has more layers than another."""

    kind: ClassVar[str] = "by_layer"
    curves: Sequence[LayerCurve]
    y_label: str = field(kw_only=True)

    def __post_init__(self) -> None:
        depths = {curve.name: len(curve.values) for curve in self.curves}
        if len(set(depths.values())) > 1:
            raise ValueError(f"{self.title}: curves over different numbers of layers, {depths}")

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``layer, series, value, low, high, control``: curve after curve."""
        return {
            "x_label": "layer",
            "y_label": self.y_label,
            "layer": [layer for curve in self.curves for layer in range(len(curve.values))],
            "series": [curve.name for curve in self.curves for _ in curve.values],
            **interval_columns(value for curve in self.curves for value in curve.values),
            "control": [curve.control for curve in self.curves for _ in curve.values],
        }
