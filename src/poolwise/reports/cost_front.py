"""Scores over the time that a text takes, a dot a readout; the front is joined and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.charts import CostFront
from poolwise.reports import number_format
from poolwise.reports.axis_range import AxisRange, axis_range, cut_legend
from poolwise.reports.end_marks import end_marks
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.labels import LineEnd, end_labels, lines
from poolwise.reports.rendered_chart import LegendEntry, Panel, RenderedChart
from poolwise.reports.theme import ACCENT, HEIGHT, LINE, PAPER, QUIET, SERIES

TIME = "milliseconds a text on this machine"


def cost_front(chart: CostFront) -> RenderedChart:
    """A dot a readout in its model's colour, those beside the front faint; None has no dot."""
    rows = [row for row in inline_rows(chart.points) if row["value"] is not None]
    models = list(dict.fromkeys(row["model"] for row in rows))
    colors = {model: SERIES[k % len(SERIES)] for k, model in enumerate(models)}
    axis = axis_range(rows)
    points = [
        {
            **axis.placed(row),
            "color": colors[row["model"]],
            "edge": ACCENT if row["best"] else colors[row["model"]],
            "fill": PAPER if row["reference"] else colors[row["model"]],
            "label": number_format.with_interval(row["value"], row["low"], row["high"]),
            "time": f"{row['milliseconds']:.3g} ms",
        }
        for row in rows
    ]
    layered = alt.LayerChart(layer=_layers(points, axis, chart.y_label), height=HEIGHT)
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))],
        legend=[*_legend(colors), *cut_legend(axis, "▽")],
    )


def _layers(points: Sequence[Mapping[str, Any]], axis: AxisRange, y_label: str) -> list[Any]:
    title = lines(y_label)
    y: dict[str, Any] = {
        "title": title,
        "scale": alt.Scale(domain=axis.domain, nice=False, zero=False),
        "axis": alt.Axis(titleY=-14 - LINE * (len(title) - 1)),
    }
    front = sorted((p for p in points if p["front"]), key=lambda p: float(p["milliseconds"]))
    others = [point for point in points if not point["front"]]
    x = alt.X(
        "milliseconds:Q",
        title=[TIME],
        axis=alt.Axis(format="~g", labelOverlap="greedy", grid=True),
        scale=alt.Scale(type="log", nice=False, padding=12),
    )
    tooltip = [
        alt.Tooltip("name:N", title="readout"),
        alt.Tooltip("label:N", title="score"),
        alt.Tooltip("time:N", title="a text"),
    ]
    color = alt.ExprRef("datum.color")
    value, low = alt.Y("place:Q", **y), alt.Y("place_low:Q", **y)

    def dots(rows: Sequence[Mapping[str, Any]], size: int, opacity: float) -> alt.Chart:
        chart: alt.Chart = (
            alt.Chart(alt.InlineData(values=list(rows)))
            .mark_point(
                size=size,
                filled=True,
                opacity=opacity,
                fill=alt.ExprRef("datum.fill"),
                stroke=alt.ExprRef("datum.edge"),
                strokeWidth=alt.ExprRef("datum.best ? 3 : 1.6"),
            )
            .encode(x=x, y=value, tooltip=tooltip)
        )
        return chart

    line = alt.Chart(alt.InlineData(values=front))
    base = alt.Chart(alt.InlineData(values=list(points))).encode(x=x)
    ends = [LineEnd(p["name"], p["color"], p["milliseconds"], p["place"]) for p in front]
    return [
        dots([p for p in others if not p["best"] and not p["reference"]], 26, 0.35),
        line.mark_line(color=QUIET, strokeWidth=1.2, interpolate="step-after", opacity=0.7).encode(
            x=x, y=value
        ),
        line.mark_rule(color=color, strokeWidth=1.4, opacity=0.6).encode(
            x=x, y=low, y2="place_high:Q"
        ),
        dots([p for p in others if p["best"] or p["reference"]], 70, 1),
        dots(front, 70, 1),
        *end_marks(points, base, y, x="milliseconds"),
        *end_labels(ends, (axis.low, axis.high), key=True),
    ]


def _legend(colors: Mapping[str, str]) -> list[LegendEntry]:
    return [
        *(LegendEntry("●", color, model) for model, color in colors.items()),
        LegendEntry("○", QUIET, "used now"),
        LegendEntry("◉", ACCENT, "chosen"),
    ]
