"""What the shapes of all layers look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from poolwise.records import Chart
from poolwise.selection.by_layer import Curve, by_layer
from poolwise.statistics.estimate import Estimate
from poolwise.studies.geometry.shape import (
    ALIGNMENT,
    ANISOTROPY,
    DOMINANCE,
    FILLED,
    UNIFORMITY,
    Shape,
    View,
)

ISOTROPIC = "isotropic Gaussian vectors"
PANELS = (DOMINANCE, FILLED, UNIFORMITY, ALIGNMENT)


def pictures(views: Sequence[View], isotropic: Shape) -> Iterator[Chart]:
    """``views`` from layer 0 up."""
    yield _cosines(views, isotropic)
    yield _panels(views, isotropic)


def _cosines(views: Sequence[View], isotropic: Shape) -> Chart:
    series: dict[str, list[Estimate]] = defaultdict(list)
    for view in views:
        series[view.series].append(view.shape[ANISOTROPY])
    curves = [Curve(name, values) for name, values in series.items()]
    flat = [isotropic[ANISOTROPY]] * len(curves[0].values)
    return by_layer(
        [*curves, Curve(ISOTROPIC, flat, control=True)],
        title="How alike any two texts are",
        caption="Mean cosine over all pairs of the texts measured: 0 in a space without direction.",
        y_label=ANISOTROPY,
    )


def _panels(views: Sequence[View], isotropic: Shape) -> Chart:
    points = [
        (name, view.layer, view.series, found.value, found.low, found.high)
        for name in PANELS
        for view in views
        if (found := view.shape.get(name))
    ]
    bands = [
        (name, found.low, found.high, ISOTROPIC)
        for name in PANELS
        if (found := isotropic.get(name)) and found.value is not None
    ]
    return Chart(
        "multiples",
        "The shape of every layer's space",
        {
            "x_label": "layer",
            "y_label": "",
            "shared_y": False,
            **_columns(("panel", "layer", "series", "value", "low", "high"), points),
            "bands": _columns(("panel", "low", "high", "name"), bands),
        },
        "The band is what as many isotropic Gaussian vectors show.",
    )


def _columns(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dict[str, list[object]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
