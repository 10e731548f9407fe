"""Scores by the number of rows learned from, a line a readout; frozen ones thin and dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from poolwise.json_values import rows
from poolwise.records import Chart
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import PAGE, Drawing, Key, Panel
from poolwise.reports.labels import End, end_labels, lines, minus
from poolwise.reports.row_layout import (
    LANE,
    Row,
    axis,
    column,
    dots,
    extent,
    hairs,
    middle,
    name_width,
    names,
    number,
    upper,
)
from poolwise.reports.theme import ACCENT, HEIGHT, LINE, PAPER, QUIET, SERIES

COLUMNS = ("n", "series", "value", "low", "high", "frozen")
COLORS = (*SERIES, ACCENT)
BEFORE = "datum.frozen"
NARROW = "width < 640"
NUMBERS = 200, 176
"""Pixels that the numbers take at the right, on a wide page and on a narrow one."""

ASIDE = 0.009
"""Between neighbouring readouts at one size, as a share of the axis: intervals stand apart."""


def learning_curve(chart: Chart) -> Drawing:
    """One line a series over ``n``, on a logarithmic axis; of a single ``n``, a row a series.

    Columns of equal length ``n``, ``series``, ``value``, ``low``, ``high``, and ``frozen``, the
    control that a series is seen beside; ``x_label``, ``y_label``. None is a gap.
    """
    points = [
        {
            **row,
            "written": digits.both(row["value"], row["low"], row["high"]),
            "kind": "frozen" if row["frozen"] else "fine-tuned",
        }
        for row in rows(chart.data, COLUMNS)
    ]
    found = dict.fromkeys(point["series"] for point in points)
    colors = {name: COLORS[k % len(COLORS)] for k, name in enumerate(found)}
    sizes = sorted({point["n"] for point in points})
    if len(sizes) == 1:
        return _by_row(points, colors, chart)
    return _over_sizes(points, colors, sizes, chart)


def _over_sizes(
    points: Sequence[Row], colors: Mapping[str, str], sizes: Sequence[int], chart: Chart
) -> Drawing:
    domain = _domain(points)
    title = lines(chart.data["y_label"])
    y: dict[str, Any] = {
        "title": title,
        "scale": alt.Scale(domain=list(domain), nice=False, zero=False),
        "axis": alt.Axis(
            titleY=-14 - LINE * (len(title) - 1), labelExpr=minus("datum.label"), format="~g"
        ),
    }
    placed = _aside(points, colors, sizes)
    ends = [point["x"] for point in placed]
    base = alt.Chart(alt.InlineData(values=placed)).encode(
        x=alt.X(
            "x:Q",
            title=lines(chart.data["x_label"]),
            axis=alt.Axis(values=list(sizes), format=",d", grid=True, labelOverlap="greedy"),
            scale=alt.Scale(type="log", domain=[min(ends), max(ends)], nice=False, padding=10),
        ),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    tuned = base.transform_filter(f"!{BEFORE}")
    frozen = base.transform_filter(BEFORE)
    value, low = alt.Y("value:Q", **y), alt.Y("low:Q", **y)
    tooltip = [
        alt.Tooltip("series:N", title="readout"),
        alt.Tooltip("kind:N", title="encoder"),
        alt.Tooltip("n:Q", title=chart.data["x_label"], format=","),
        alt.Tooltip("written:N", title="score"),
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
        *end_labels(_ends(placed, colors), domain, key=True),
    ]
    drawn = alt.LayerChart(layer=layers, height=HEIGHT)
    return Drawing([Panel("", drawn.to_dict(validate=False))], key=_key(points))


def _aside(
    points: Sequence[Row], colors: Mapping[str, str], sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """The points with the ``x`` at which they stand, near ``n``."""
    ratio = sizes[-1] / sizes[0]
    order = {name: k - (len(colors) - 1) / 2 for k, name in enumerate(colors)}
    return [
        {**point, "x": point["n"] * ratio ** (ASIDE * order[point["series"]])} for point in points
    ]


def _domain(points: Sequence[Row]) -> tuple[float, float]:
    """From the lowest bound to the highest, with some room."""
    ends = extent(points)
    if not ends or ends[0] == ends[1]:
        return (0.0, 1.0)
    room = 0.04 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room


def _ends(points: Sequence[Row], colors: Mapping[str, str]) -> list[End]:
    """Fine-tuned lines are named; the frozen one of each is known by its colour."""
    last = {
        point["series"]: point
        for point in sorted(points, key=lambda point: point["n"])
        if point["value"] is not None and not point["frozen"]
    }
    return [End(name, colors[name], point["x"], point["value"]) for name, point in last.items()]


def _by_row(points: Sequence[Row], colors: Mapping[str, str], chart: Chart) -> Drawing:
    """A row a readout, best first: a dot fine-tuned and a fainter one frozen, with intervals."""
    placed = _placed(points, colors)
    tops = [row for row in placed if row["name"]]
    height, beside = LANE * max(1, len(placed)), name_width(tops)
    ends = extent(placed)
    x = axis(
        chart.data["y_label"],
        ends if ends and ends[0] < ends[1] else [0.0, 1.0],
        NARROW,
        f"{NARROW} ? 18 : {beside}",
        f"{NARROW} ? width - 18 : width - {NUMBERS[0] + 24}",
    )
    tooltip = {"series": "readout", "kind": "encoder", "written": "score"}
    layers = [
        hairs(tops if len(tops) == len(placed) else [row for row in placed if row["last"]]),
        *dots(placed, NARROW, x, tooltip),
        names(tops, NARROW, (beside - 12, NUMBERS[1])),
        column(placed, "text", (126, 126), NARROW, upper(NARROW), color=alt.ExprRef("datum.color")),
        column(placed, "interval", (0, 0), NARROW, upper(NARROW), color=QUIET),
    ]
    spec = alt.LayerChart(layer=layers, height=height).to_dict(validate=False)
    return Drawing([Panel("", spec)], key=_key(points), least=PAGE)


def _placed(points: Sequence[Row], colors: Mapping[str, str]) -> list[dict[str, Any]]:
    tuned = [point for point in points if not point["frozen"]]
    best_first = sorted(tuned, key=lambda row: (row["value"] is None, -(row["value"] or 0)))
    order = {row["series"]: k for k, row in enumerate(best_first)}
    ordered = sorted(points, key=lambda row: (order.get(row["series"], len(order)), row["frozen"]))
    decimals = digits.in_column([number({**row, "name": ""}) for row in points])
    placed = []
    for k, row in enumerate(ordered):
        color = colors[row["series"]]
        following = ordered[k + 1]["series"] if k + 1 < len(ordered) else None
        placed.append(
            {
                **row,
                "name": "" if row["frozen"] else row["series"],
                "at": middle(k),
                "last": following != row["series"],
                "color": color,
                "fill": PAPER if row["frozen"] else color,
                "ink": color,
                "weight": 600,
                "text": digits.value(number({**row, "name": ""}), decimals),
                "interval": digits.interval(number({**row, "name": ""}), decimals),
            }
        )
    return placed


def _key(points: Sequence[Row]) -> list[Key]:
    curved = len({point["n"] for point in points}) > 1
    marks = [Key("━" if curved else "●", QUIET, "fine-tuned, with 95 % intervals")]
    if any(point["frozen"] for point in points):
        marks.append(Key("╌╌" if curved else "○", QUIET, "frozen, a linear probe"))
    return marks
