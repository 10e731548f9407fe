"""Charts of the geometry: mean cosine by layer, and the other measures as small multiples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from poolwise.charts import Band, Chart, LayerCurve, LayerCurves, PanelPoint, SmallMultiples
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


def charts(views: Sequence[View], isotropic: Shape) -> Iterator[Chart]:
    """``views`` from layer 0 up."""
    yield _cosines(views, isotropic)
    yield _panels(views, isotropic)


def _cosines(views: Sequence[View], isotropic: Shape) -> LayerCurves:
    series: dict[str, list[Estimate]] = defaultdict(list)
    for view in views:
        series[view.series].append(view.shape[ANISOTROPY])
    curves = [LayerCurve(name, values) for name, values in series.items()]
    flat = [isotropic[ANISOTROPY]] * len(curves[0].values)
    return LayerCurves(
        "How alike any two texts are",
        [*curves, LayerCurve(ISOTROPIC, flat, control=True)],
        y_label=ANISOTROPY,
        caption="Mean cosine over all pairs of the texts measured: 0 in a space without direction.",
    )


def _panels(views: Sequence[View], isotropic: Shape) -> SmallMultiples:
    points = [
        PanelPoint(name, view.layer, view.series, estimate)
        for name in PANELS
        for view in views
        if (estimate := view.shape.get(name))
    ]
    bands = [
        Band(name, ISOTROPIC, estimate.low, estimate.high)
        for name in PANELS
        if (estimate := isotropic.get(name)) and estimate.value is not None
    ]
    return SmallMultiples(
        "The shape of every layer's space",
        points,
        bands,
        x_label="layer",
        y_label="",
        shared_y=False,
        caption="The band is what as many isotropic Gaussian vectors show.",
    )
