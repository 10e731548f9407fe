"""Lines over layers, one a series, with their 95 % intervals; controls grey and dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.json_values import rows
from poolwise.records import Chart
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import Drawing, Panel
from poolwise.reports.labels import End, end_labels, lines
from poolwise.reports.theme import CONTROL, HEIGHT, LINE, PAPER, SERIES

COLUMNS = ("layer", "series", "value", "low", "high", "control")


def by_layer(chart: Chart) -> Drawing:
    """One line a series over ``layer``; None is a gap; y reaches from min(0, …) to at least 1.

    Columns of equal length: ``layer``, ``series``, ``value``, ``low``, ``high``, ``control``;
    and ``x_label``, ``y_label``.
    """
    points = [
        {**row, "written": digits.both(row["value"], row["low"], row["high"])}
        for row in rows(chart.data, COLUMNS)
    ]
    colors = _colors(points)
    known = [p[name] for p in points for name in ("value", "low", "high") if p[name] is not None]
    domain = (min([0.0, *known]), max([1.0, *known]))
    title = lines(chart.data["y_label"])
    y: dict[str, Any] = {
        "title": title,
        "scale": alt.Scale(domain=list(domain), nice=False),
        "axis": alt.Axis(titleY=-14 - LINE * (len(title) - 1)),
    }
    base = alt.Chart().encode(
        x=alt.X(
            "layer:Q",
            title=lines(chart.data["x_label"]),
            axis=alt.Axis(values=sorted({point["layer"] for point in points}), format="d"),
            scale=alt.Scale(nice=False, zero=False, padding=10),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    bands = base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    # A point between two gaps has no band; its interval still shows.
    bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    paths = base.mark_line(strokeWidth=2.2, strokeJoin="round").encode(
        y=alt.Y("value:Q", **y),
        strokeDash=alt.condition("datum.control", alt.value([5, 4]), alt.value([1, 0])),
    )
    dots = base.mark_circle(size=52, opacity=1, stroke=PAPER, strokeWidth=1.2).encode(
        y=alt.Y("value:Q", **y),
        tooltip=[
            alt.Tooltip("series:N"),
            alt.Tooltip("layer:Q"),
            alt.Tooltip("written:N", title="value"),
        ],
    )
    names = end_labels(_ends(points, colors), domain, key=True)
    layers = [bands, bars, paths, dots, *names]
    drawn = alt.LayerChart(data=alt.InlineData(values=points), layer=layers, height=HEIGHT)
    return Drawing([Panel("", drawn.to_dict(validate=False))])


def _colors(points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    controls = {point["series"]: point["control"] for point in points}
    measured = [name for name, control in controls.items() if not control]
    return {
        name: CONTROL if control else SERIES[measured.index(name) % len(SERIES)]
        for name, control in controls.items()
    }


def _ends(points: Sequence[Mapping[str, Any]], colors: Mapping[str, str]) -> list[End]:
    last = {
        point["series"]: point
        for point in sorted(points, key=lambda point: point["layer"])
        if point["value"] is not None
    }
    return [
        End(name, colors[name], point["layer"], point["value"], dash=bool(point["control"]))
        for name, point in last.items()
    ]
