"""Scores by the number of rows trained on, a curve a readout; frozen ones thin and dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.charts import LearningCurve
from poolwise.reports import number_format
from poolwise.reports.axis_range import axis_range, cut_legend
from poolwise.reports.inline_data import inline_rows
from poolwise.reports.labels import LineEnd, end_labels, lines, minus
from poolwise.reports.rendered_chart import PAGE_WIDTH, LegendEntry, Panel, RenderedChart
from poolwise.reports.row_layout import (
    Row,
    chart_height,
    extent,
    interval_dots,
    name_width,
    number,
    row_center,
    row_names,
    row_rules,
    text_column,
    text_y,
    value_axis,
)
from poolwise.reports.theme import ACCENT, HEIGHT, LINE, PAPER, QUIET, SERIES

COLORS = (*SERIES, ACCENT)
FROZEN = "datum.frozen"
NARROW = "width < 640"
NUMBERS = 200, 176
"""Pixels that the numbers take at the right, on a wide page and on a narrow one."""

DODGE = 0.009
"""Between neighbouring readouts at one size, as a share of the axis: intervals do not overlap."""


def learning_curve(chart: LearningCurve) -> RenderedChart:
    """One curve a series over ``n``, on a logarithmic axis; of a single ``n``, a row a series.

    None is a gap.
    """
    points = [
        {
            **point,
            "label": number_format.with_interval(point["value"], point["low"], point["high"]),
            "encoder": "frozen" if point["frozen"] else "fine-tuned",
        }
        for point in inline_rows(chart.points)
    ]
    names = dict.fromkeys(point["series"] for point in points)
    colors = {name: COLORS[k % len(COLORS)] for k, name in enumerate(names)}
    sizes = sorted({point["n"] for point in points})
    if len(sizes) == 1:
        return _by_row(points, colors, chart)
    return _over_sizes(points, colors, sizes, chart)


def _over_sizes(
    points: Sequence[Row], colors: Mapping[str, str], sizes: Sequence[int], chart: LearningCurve
) -> RenderedChart:
    domain = _domain(points)
    title = lines(chart.y_label)
    y: dict[str, Any] = {
        "title": title,
        "scale": alt.Scale(domain=list(domain), nice=False, zero=False),
        "axis": alt.Axis(
            titleY=-14 - LINE * (len(title) - 1), labelExpr=minus("datum.label"), format="~g"
        ),
    }
    points = _dodged(points, colors, sizes)
    xs = [point["x"] for point in points]
    base = alt.Chart(alt.InlineData(values=points)).encode(
        x=alt.X(
            "x:Q",
            title=lines(chart.x_label),
            axis=alt.Axis(values=list(sizes), format=",d", grid=True, labelOverlap="greedy"),
            scale=alt.Scale(type="log", domain=[min(xs), max(xs)], nice=False, padding=10),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    tuned = base.transform_filter(f"!{FROZEN}")
    frozen = base.transform_filter(FROZEN)
    value, low = alt.Y("value:Q", **y), alt.Y("low:Q", **y)
    tooltip = [
        alt.Tooltip("series:N", title="readout"),
        *[alt.Tooltip("encoder:N", title="encoder")] * chart.fine_tuned,
        alt.Tooltip("n:Q", title=chart.x_label, format=","),
        alt.Tooltip("label:N", title="score"),
    ]
    layers = [
        tuned.mark_area(opacity=0.06).encode(y=low, y2="high:Q"),
        frozen.mark_line(strokeWidth=1.2, strokeDash=[4, 4], opacity=0.6).encode(y=value),
        frozen.mark_point(size=20, opacity=0.6, fill=PAPER, strokeWidth=1.1).encode(
            y=value, tooltip=tooltip
        ),
        tuned.mark_line(strokeWidth=2.2, strokeJoin="round").encode(y=value),
        tuned.mark_rule(strokeWidth=1.4, opacity=0.55).encode(y=low, y2="high:Q"),
        tuned.mark_circle(size=52, opacity=1, stroke=PAPER, strokeWidth=1.2).encode(
            y=value, tooltip=tooltip
        ),
        *end_labels(_ends(points, colors), domain, key=True),
    ]
    layered = alt.LayerChart(layer=layers, height=HEIGHT)
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))],
        legend=_legend(points, fine_tuned=chart.fine_tuned),
    )


def _dodged(
    points: Sequence[Row], colors: Mapping[str, str], sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """The points with ``x``, near ``n``: each series a little beside the others."""
    ratio = sizes[-1] / sizes[0]
    steps = {name: k - (len(colors) - 1) / 2 for k, name in enumerate(colors)}
    return [
        {**point, "x": point["n"] * ratio ** (DODGE * steps[point["series"]])} for point in points
    ]


def _domain(points: Sequence[Row]) -> tuple[float, float]:
    """From the lowest bound to the highest, with some room."""
    ends = extent(points)
    if not ends or ends[0] == ends[1]:
        return (0.0, 1.0)
    room = 0.04 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room


def _ends(points: Sequence[Row], colors: Mapping[str, str]) -> list[LineEnd]:
    """Fine-tuned curves have names; the frozen one of each has its colour."""
    last = {
        point["series"]: point
        for point in sorted(points, key=lambda point: point["n"])
        if point["value"] is not None and not point["frozen"]
    }
    return [LineEnd(name, colors[name], point["x"], point["value"]) for name, point in last.items()]


def _by_row(
    points: Sequence[Row], colors: Mapping[str, str], chart: LearningCurve
) -> RenderedChart:
    """A row a readout, best first: a dot fine-tuned and a fainter one frozen, with intervals."""
    axis = axis_range(points)
    rows = _layout([axis.placed(point) for point in points], colors)
    named = [row for row in rows if row["name"]]
    names = name_width(named)
    x = value_axis(
        chart.y_label,
        axis,
        NARROW,
        f"{NARROW} ? 18 : {names}",
        f"{NARROW} ? width - 18 : width - {NUMBERS[0] + 24}",
    )
    tooltip = {"series": "readout", "encoder": "encoder", "label": "score"}
    color = alt.ExprRef("datum.color")
    layers = [
        row_rules(named if len(named) == len(rows) else [row for row in rows if row["last"]]),
        *interval_dots(rows, NARROW, x, tooltip),
        row_names(named, NARROW, (names - 12, NUMBERS[1])),
        text_column(rows, "text", (126, 126), NARROW, text_y(NARROW), color=color),
        text_column(rows, "interval", (0, 0), NARROW, text_y(NARROW), color=QUIET),
    ]
    layered = alt.LayerChart(layer=layers, height=chart_height(rows))
    return RenderedChart(
        [Panel("", layered.to_dict(validate=False))],
        legend=[*_legend(points, fine_tuned=chart.fine_tuned), *cut_legend(axis)],
        min_width=PAGE_WIDTH,
    )


def _layout(points: Sequence[Row], colors: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows from the top with their texts and styles."""
    tuned = [point for point in points if not point["frozen"]]
    best_first = sorted(tuned, key=lambda row: (row["value"] is None, -(row["value"] or 0)))
    rank = {row["series"]: k for k, row in enumerate(best_first)}
    ordered = sorted(points, key=lambda row: (rank.get(row["series"], len(rank)), row["frozen"]))
    decimals = number_format.column_decimals([number(row) for row in points])
    rows = []
    for k, row in enumerate(ordered):
        color = colors[row["series"]]
        following = ordered[k + 1]["series"] if k + 1 < len(ordered) else None
        rows.append(
            {
                **row,
                "name": "" if row["frozen"] else row["series"],
                "y": row_center(k),
                "last": following != row["series"],
                "color": color,
                "fill": PAPER if row["frozen"] else color,
                "ink": color,
                "weight": 600,
                "text": number_format.value(number(row), decimals),
                "interval": number_format.interval(number(row), decimals),
            }
        )
    return rows


def _legend(points: Sequence[Row], *, fine_tuned: bool) -> list[LegendEntry]:
    curved = len({point["n"] for point in points}) > 1
    text = "fine-tuned, with 95 % intervals" if fine_tuned else "with 95 % intervals"
    tuned = LegendEntry("━" if curved else "●", QUIET, text)
    frozen = LegendEntry("╌╌" if curved else "○", QUIET, "frozen, a linear probe")
    return [tuned, frozen] if any(point["frozen"] for point in points) else [tuned]
