"""Small multiples: curves in a panel a task, with the bands of its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.charts import SmallMultiples
from poolwise.reports import number_format
from poolwise.reports.axis_range import AxisRange, Row, axis_range, cut_legend
from poolwise.reports.end_marks import end_marks
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.labels import minus
from poolwise.reports.layer_curves import MOST_OUTLIERS
from poolwise.reports.rendered_chart import LegendEntry, Panel, RenderedChart
from poolwise.reports.theme import BANDS, PAPER, QUIET, SERIES

HEIGHT, TICKS = 150, 4


def small_multiples(chart: SmallMultiples) -> RenderedChart:
    """A small plot a panel: one curve a series over x, None a gap; controls a grey band.

    Colours mean the same in every panel.
    """
    points = [
        {**row, "label": number_format.with_interval(row["value"], row["low"], row["high"])}
        for row in inline_rows(chart.points)
    ]
    bands = inline_rows(chart.bands)
    colors = _colors(points, SERIES, "series")
    greys = _colors(bands, BANDS, "name")
    shared_axis = _axis(points, bands)
    panels, cut = [], None
    for name in dict.fromkeys(point["panel"] for point in points):
        own = [point for point in points if point["panel"] == name]
        behind = [{**band, "grey": greys[band["name"]]} for band in bands if band["panel"] == name]
        axis = shared_axis if chart.shared_y else _axis(own, behind)
        cut = axis if axis.cut else cut
        own = [axis.placed(point) for point in own]
        panels.append(Panel(name, _panel(own, behind, colors, axis, chart)))
    legend = [
        LegendEntry("", QUIET, f"{chart.y_label} by {chart.x_label}".strip()),
        *(LegendEntry("━", color, name) for name, color in colors.items()),
        *(LegendEntry("■", grey, name) for name, grey in greys.items()),
        *(cut_legend(cut, "▽") if cut else []),
    ]
    return RenderedChart(panels, legend=legend, min_width=220, max_width=420)


def _colors(rows: Sequence[Row], palette: Sequence[str], field: str) -> dict[str, str]:
    names = dict.fromkeys(row[field] for row in rows)
    return {name: palette[k % len(palette)] for k, name in enumerate(names)}


def _axis(points: Sequence[Row], bands: Sequence[Row]) -> AxisRange:
    """Bands are always within it."""
    bounds = [band[end] for band in bands for end in ("low", "high") if band[end] is not None]
    return axis_range(points, include=bounds, most=MOST_OUTLIERS)


def _panel(
    points: Sequence[Row],
    bands: Sequence[Row],
    colors: Mapping[str, str],
    axis: AxisRange,
    chart: SmallMultiples,
) -> dict[str, Any]:
    xs = sorted({int(point.x) for point in chart.points})
    y: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=axis.domain, nice=False if axis.cut else TICKS, zero=False),
        "axis": alt.Axis(tickCount=TICKS, labelFontSize=11, labelExpr=minus("datum.label")),
    }
    base = alt.Chart(alt.InlineData(values=list(points))).encode(
        x=alt.X(
            "x:Q",
            title=None,
            axis=alt.Axis(values=_ticks(xs), format="d", labelFontSize=11, labelPadding=4),
            scale=alt.Scale(domain=[min(xs), max(xs)], nice=False, zero=False, padding=5),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    band = (
        alt.Chart(alt.InlineData(values=list(bands)))
        .mark_rect(color=alt.ExprRef("datum.grey"), stroke=alt.ExprRef("datum.grey"))
        .encode(
            x=alt.value(0),
            x2=alt.value(alt.ExprRef("width")),
            y=alt.Y("low:Q", **y),
            y2="high:Q",
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("low:Q"), alt.Tooltip("high:Q")],
        )
    )
    intervals = base.mark_area(opacity=0.16).encode(y=alt.Y("place_low:Q", **y), y2="place_high:Q")
    # A point between two gaps has no area; its interval still shows.
    bars = base.mark_rule(opacity=0.4).encode(y=alt.Y("place_low:Q", **y), y2="place_high:Q")
    curves = base.mark_line(strokeWidth=1.9, strokeJoin="round").encode(y=alt.Y("place:Q", **y))
    dots = base.mark_circle(
        size=26 if len(xs) <= 13 else 14, opacity=1, stroke=PAPER, strokeWidth=0.7
    ).encode(
        y=alt.Y("place:Q", **y),
        tooltip=[
            alt.Tooltip("series:N", title="readout"),
            alt.Tooltip("x:Q", title=chart.x_label),
            alt.Tooltip("label:N", title="value"),
        ],
    )
    spec: dict[str, Any] = alt.LayerChart(
        layer=[
            band,
            intervals,
            bars,
            curves,
            dots,
            *end_marks(points, base, y),
        ],
        height=HEIGHT,
    ).to_dict(validate=False)
    return spec


def _ticks(xs: Sequence[int]) -> list[int]:
    """Every value of x where there is room, else every so many; the first always."""
    step = next((k for k in (1, 2, 3, 4, 6) if len(xs) <= 7 * k), 12)
    return list(xs[::step])
