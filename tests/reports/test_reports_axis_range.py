"""Axes that a few values far from all others do not stretch, and the marks that say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from poolwise.charts import Chart, ForestPlot, ForestRow, LayerCurve, LayerCurves, Ranking
from poolwise.reports.axis_range import AxisRange, axis_range
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_svg
from poolwise.statistics.estimate import Estimate

BEYOND = "beyond the end of the axis, which shows all others in detail"
SCORES = [0.016, 0.72, 0.74, 0.71, 0.75]


def rows(values: list[float | None]) -> list[dict[str, Any]]:
    return [{"value": x, "low": x and x - 0.01, "high": x and x + 0.01} for x in values]


def drawn(chart: Chart) -> list[str]:
    """The texts of the chart."""
    root = ET.fromstring(to_svg(render_chart(chart), chart.title))
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_a_score_of_nearly_nothing_is_cut_off() -> None:
    axis = axis_range(rows(SCORES))
    assert axis.cut
    assert axis.high == pytest.approx(0.76)
    assert 0.69 < axis.low < 0.70
    assert [axis.end(x) for x in SCORES] == ["low", "", "", "", ""]
    placed = axis.placed(rows(SCORES)[0])
    assert (placed["place"], placed["place_low"], placed["place_high"]) == (axis.low,) * 3
    assert (placed["value"], placed["end"]) == (0.016, "low")


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 0.6, 0.7, 0.8],
        [0.1, 0.1, 0.1, 0.8, 0.8, 0.8],
        [0.7, 0.7, 0.7, 0.98],
        [0.1, 0.9],
        [0.4],
    ],
    ids=["even", "two groups", "the best", "two", "one"],
)
def test_values_without_outliers_are_all_within(values: list[float]) -> None:
    axis = axis_range(rows([*values, None]))
    assert not axis.cut
    assert (axis.low, axis.high) == (min(values) - 0.01, max(values) + 0.01)


def test_both_ends_are_cut_where_high_is_not_better_and_what_must_be_there_stays() -> None:
    values = [0.011, 0.028, 0.011, 0.025, 0.72, -0.9]
    axis = axis_range(rows(values), include=[0.0], both_ends=True)
    assert [axis.end(x) for x in values] == ["", "", "", "", "high", "low"]
    assert axis.low < 0 < axis.high < 0.1
    assert axis.low > -0.1


@pytest.mark.parametrize("values", [[], [None], [0.0]])
def test_without_extent_the_axis_is_from_0_to_1(values: list[float | None]) -> None:
    assert axis_range([{"value": x} for x in values]) == AxisRange(0.0, 1.0)


def test_a_ranking_says_what_lies_beyond(
    ranking_chart: Ranking, changed: Callable[..., Any]
) -> None:
    texts = drawn(ranking_chart)
    assert BEYOND not in texts
    value = [0.74, 0.016, 0.72, 0.75, 0.73]
    low, high = [x - 0.01 for x in value], [x + 0.01 for x in value]
    texts = drawn(changed(ranking_chart, "rows", value=value, low=low, high=high))
    assert {BEYOND, "0.016", "0.740"} <= set(texts)
    assert not {"0.0", "0.2", "0.4"} & set(texts)


def test_a_forest_keeps_its_zero() -> None:
    values = [0.011, 0.028, -0.005, 0.72]
    differences = [
        ForestRow(f"d{i}", Estimate(x, x - 0.01, x + 0.01)) for i, x in enumerate(values)
    ]
    texts = drawn(ForestPlot("a", differences, x_label="difference", reference="mean"))
    assert {BEYOND, "+0.720", "0.00"} <= set(texts)
    assert not {"0.4", "0.6"} & set(texts)


def test_a_curve_that_begins_at_nothing_shows_where_it_goes() -> None:
    curve = [0.016, 0.70, 0.72, 0.74, 0.76, 0.75, 0.77, 0.73, 0.74]
    chart = LayerCurves(
        "a", [LayerCurve("cls", [Estimate(x, x - 0.01, x + 0.01) for x in curve])], y_label="F1"
    )
    texts = drawn(chart)
    assert {BEYOND, "0.0160"} <= set(texts)
    assert not {"0.2", "1.0"} & set(texts)
    whole = dataclasses.replace(chart, curves=[LayerCurve("cls", chart.curves[0].values[1:])])
    texts = drawn(whole)
    assert {"0.2", "1.0"} <= set(texts)
    assert BEYOND not in texts
