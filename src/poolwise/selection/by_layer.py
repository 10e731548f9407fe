"""A picture of curves over layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poolwise.records import Chart
from poolwise.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Curve:
    """One value a layer, from layer 0 up. A constant has no value and is a gap."""

    name: str
    values: Sequence[Estimate]
    control: bool = False


def by_layer(curves: Sequence[Curve], *, title: str, caption: str, y_label: str) -> Chart:
    """Chart of kind ``by_layer``."""
    points = [
        (layer, curve.name, found.value, found.low, found.high, curve.control)
        for curve in curves
        for layer, found in enumerate(curve.values)
    ]
    columns = ("layer", "series", "value", "low", "high", "control")
    table = {name: [point[i] for point in points] for i, name in enumerate(columns)}
    return Chart("by_layer", title, {"x_label": "layer", "y_label": y_label, **table}, caption)
