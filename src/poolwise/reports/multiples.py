"""Small multiples: lines over layers, a panel a task, with the band in which controls lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.json_values import rows, to_plain
from poolwise.records import Chart
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import Drawing, Key, Panel
from poolwise.reports.labels import minus
from poolwise.reports.row_layout import Row, extent
from poolwise.reports.theme import BANDS, PAPER, QUIET, SERIES

COLUMNS = ("panel", "layer", "series", "value", "low", "high")
BAND = ("panel", "low", "high", "name")
HEIGHT, TICKS = 150, 4


def multiples(chart: Chart) -> Drawing:
    """A small plot a panel: one line a series over ``layer``, None a gap; controls a grey band.

    Columns of equal length ``panel, layer, series, value, low, high``; ``bands``, columns
    ``panel, low, high, name``; ``shared_y``, whether all panels share the y axis; ``x_label``
    and ``y_label``. Colours mean the same in every panel.
    """
    data = chart.data
    points = [
        {**row, "written": digits.both(row["value"], row["low"], row["high"])}
        for row in rows(data, COLUMNS)
    ]
    bands = rows(data["bands"], BAND)
    colors = _colors(points, SERIES, "series")
    greys = _colors(bands, BANDS, "name")
    everywhere = _domain([*points, *bands])
    panels = []
    for name in dict.fromkeys(point["panel"] for point in points):
        here = [point for point in points if point["panel"] == name]
        behind = [{**band, "grey": greys[band["name"]]} for band in bands if band["panel"] == name]
        domain = everywhere if data["shared_y"] else _domain([*here, *behind])
        panels.append(Panel(name, _panel(here, behind, colors, domain, data)))
    key = [Key("━", color, name) for name, color in colors.items()]
    key += [Key("■", grey, name) for name, grey in greys.items()]
    key.insert(0, Key("", QUIET, f"{data['y_label']} by {data['x_label']}".strip()))
    return Drawing(panels, key=key, least=220, most=420)


def _colors(given: Sequence[Row], palette: Sequence[str], column: str) -> dict[str, str]:
    found = dict.fromkeys(row[column] for row in given)
    return {name: palette[k % len(palette)] for k, name in enumerate(found)}


def _domain(given: Sequence[Row]) -> list[float]:
    ends = extent(given)
    return ends if ends and ends[0] < ends[1] else [0.0, 1.0]


def _panel(
    points: Sequence[Row],
    bands: Sequence[Row],
    colors: Mapping[str, str],
    domain: list[float],
    data: Mapping[str, Any],
) -> dict[str, Any]:
    layers = sorted(set(to_plain(data["layer"])))
    y: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=domain, nice=TICKS, zero=False),
        "axis": alt.Axis(tickCount=TICKS, labelFontSize=11, labelExpr=minus("datum.label")),
    }
    base = alt.Chart(alt.InlineData(values=list(points))).encode(
        x=alt.X(
            "layer:Q",
            title=None,
            axis=alt.Axis(values=_ticks(layers), format="d", labelFontSize=11, labelPadding=4),
            scale=alt.Scale(domain=[min(layers), max(layers)], nice=False, zero=False, padding=5),
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
    intervals = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    # A point between two gaps has no area; its interval still shows.
    bars = base.mark_rule(opacity=0.4).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    paths = base.mark_line(strokeWidth=1.9, strokeJoin="round").encode(y=alt.Y("value:Q", **y))
    dots = base.mark_circle(
        size=26 if len(layers) <= 13 else 14, opacity=1, stroke=PAPER, strokeWidth=0.7
    ).encode(
        y=alt.Y("value:Q", **y),
        tooltip=[
            alt.Tooltip("series:N", title="readout"),
            alt.Tooltip("layer:Q", title=data["x_label"]),
            alt.Tooltip("written:N", title="value"),
        ],
    )
    spec: dict[str, Any] = alt.LayerChart(
        layer=[band, intervals, bars, paths, dots], height=HEIGHT
    ).to_dict(validate=False)
    return spec


def _ticks(layers: Sequence[int]) -> list[int]:
    """Every layer where there is room, else every so many; the first always."""
    every = next((k for k in (1, 2, 3, 4, 6) if len(layers) <= 7 * k), 12)
    return list(layers[::every])
