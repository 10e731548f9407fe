"""Curves over layers with their 95 % intervals; controls grey and dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.charts import LayerCurves
from poolwise.reports import number_format
from poolwise.reports.axis_range import AxisRange, axis_range, cut_legend
from poolwise.reports.end_marks import end_marks
from poolwise.reports.inline_data import interval_fields
from poolwise.reports.labels import LineEnd, end_labels, lines
from poolwise.reports.rendered_chart import Panel, RenderedChart
from poolwise.reports.theme import CONTROL, HEIGHT, LINE, PAPER, SERIES

MOST_OUTLIERS = 1 / 8
"""Share of all points that may lie beyond the end of the axis: some of a curve, never all."""


def layer_curves(chart: LayerCurves) -> RenderedChart:
    """One curve a series; None is a gap.

    y reaches from min(0, …) to at least 1, or holds all values but those far from all others.
    """
    points: list[dict[str, Any]] = [
        {"layer": layer, "series": curve.name, **interval_fields(value), "control": curve.control}
        for curve in chart.curves
        for layer, value in enumerate(curve.values)
    ]
    values = [p[name] for p in points for name in ("value", "low", "high") if p[name] is not None]
    axis = axis_range(points, most=MOST_OUTLIERS)
    if not axis.cut:
        axis = AxisRange(min([0.0, *values]), max([1.0, *values]))
    points = [axis.placed(point) for point in points]
    for point in points:
        point["label"] = number_format.with_interval(point["value"], point["low"], point["high"])
    colors = _colors(points)
    title = lines(chart.y_label)
    y: dict[str, Any] = {
        "title": title,
        "scale": alt.Scale(domain=axis.domain, nice=False, zero=False),
        "axis": alt.Axis(titleY=-14 - LINE * (len(title) - 1)),
    }
    base = alt.Chart().encode(
        x=alt.X(
            "layer:Q",
            title=["layer"],
            axis=alt.Axis(values=sorted({point["layer"] for point in points}), format="d"),
            scale=alt.Scale(nice=False, zero=False, padding=10),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    bands = base.mark_area(opacity=0.14).encode(y=alt.Y("place_low:Q", **y), y2="place_high:Q")
    # A point between two gaps has no band; its interval still shows.
    bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("place_low:Q", **y), y2="place_high:Q")
    curves = base.mark_line(strokeWidth=2.2, strokeJoin="round").encode(
        y=alt.Y("place:Q", **y),
        strokeDash=alt.condition("datum.control", alt.value([5, 4]), alt.value([1, 0])),
    )
    dots = base.mark_circle(size=52, opacity=1, stroke=PAPER, strokeWidth=1.2).encode(
        y=alt.Y("place:Q", **y),
        tooltip=[
            alt.Tooltip("series:N"),
            alt.Tooltip("layer:Q"),
            alt.Tooltip("label:N", title="value"),
        ],
    )
    names = end_labels(_ends(points, colors), (axis.low, axis.high), key=True)
    layers = [bands, bars, curves, dots, *end_marks(points, base, y, x="layer"), *names]
    layered = alt.LayerChart(data=alt.InlineData(values=points), layer=layers, height=HEIGHT)
    panel = Panel("", layered.to_dict(validate=False))
    return RenderedChart([panel], legend=cut_legend(axis, "▽"))


def _colors(points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    controls = {point["series"]: point["control"] for point in points}
    measured = [name for name, control in controls.items() if not control]
    return {
        name: CONTROL if control else SERIES[measured.index(name) % len(SERIES)]
        for name, control in controls.items()
    }


def _ends(points: Sequence[Mapping[str, Any]], colors: Mapping[str, str]) -> list[LineEnd]:
    last = {
        point["series"]: point
        for point in sorted(points, key=lambda point: point["layer"])
        if point["value"] is not None
    }
    return [
        LineEnd(name, colors[name], point["layer"], point["place"], dash=bool(point["control"]))
        for name, point in last.items()
    ]
