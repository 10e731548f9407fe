"""Charts are checked when they are made, and findings.json holds them as columns."""

from __future__ import annotations

import dataclasses

import pytest

from poolwise.charts import (
    Band,
    Density,
    DensityCell,
    DistanceRow,
    Distances,
    ForestPlot,
    ForestRow,
    HeatCell,
    HeatMap,
    LayerCurve,
    LayerCurves,
    LearningCurve,
    LearningPoint,
    PanelPoint,
    Quantiles,
    Ranking,
    RankingRow,
    SmallMultiples,
    TextTable,
)
from poolwise.statistics.estimate import Estimate

A, B = Estimate(0.5, 0.4, 0.6, "a note"), Estimate(None)

CHARTS = [
    (
        LayerCurves("t", [LayerCurve("a", [A, B]), LayerCurve("b", [B, A], True)], y_label="y"),
        {
            "kind": "by_layer",
            "x_label": "layer",
            "y_label": "y",
            "layer": [0, 1, 0, 1],
            "series": ["a", "a", "b", "b"],
            "value": [0.5, None, None, 0.5],
            "low": [0.4, None, None, 0.4],
            "high": [0.6, None, None, 0.6],
            "control": [False, False, True, True],
        },
    ),
    (
        Density(
            "t",
            [DensityCell(0, 1, 2, 3, 4), DensityCell(1, 2, 3, 4, 5)],
            [Quantiles(1, None, 2, 3, 4, 5)],
            ((0, 1), (2, 3)),
            line_label="l",
            x_label="x",
            y_label="y",
        ),
        {
            "kind": "density",
            "x_label": "x",
            "y_label": "y",
            "x0": [0, 1],
            "x1": [1, 2],
            "y0": [2, 3],
            "y1": [3, 4],
            "count": [4, 5],
            "line": {"x": [0, 2], "y": [1, 3]},
            "line_label": "l",
            "bands": {"x": [1], "q05": [None], "q25": [2], "q50": [3], "q75": [4], "q95": [5]},
        },
    ),
    (
        Distances(
            "t",
            [DistanceRow("a", 0.0, best=True), DistanceRow("b", 1.0, same=True)],
            x_label="x",
            tolerance=0.03,
        ),
        {
            "kind": "distances",
            "x_label": "x",
            "tolerance": 0.03,
            "name": ["a", "b"],
            "distance": [0.0, 1.0],
            "best": [True, False],
            "same": [False, True],
        },
    ),
    (
        ForestPlot("t", [ForestRow("a", A, True), ForestRow("b", B)], x_label="x", reference="r"),
        {
            "kind": "forest",
            "x_label": "x",
            "reference": "r",
            "name": ["a", "b"],
            "value": [0.5, None],
            "low": [0.4, None],
            "high": [0.6, None],
            "control": [True, False],
            "clear": [False, False],
        },
    ),
    (
        HeatMap(
            "t",
            [HeatCell(0, "cls", A, best=True), HeatCell("mix", "cls", B, tied=True)],
            x_label="x",
            y_label="y",
            value_label="v",
        ),
        {
            "kind": "heat",
            "x_label": "x",
            "y_label": "y",
            "value_label": "v",
            "layer": [0, "mix"],
            "pool": ["cls", "cls"],
            "value": [0.5, None],
            "low": [0.4, None],
            "high": [0.6, None],
            "best": [True, False],
            "tied": [False, True],
        },
    ),
    (
        LearningCurve(
            "t",
            [LearningPoint(9, "a", A), LearningPoint(9, "a", B, True)],
            x_label="x",
            y_label="y",
        ),
        {
            "kind": "learning_curve",
            "x_label": "x",
            "y_label": "y",
            "n": [9, 9],
            "series": ["a", "a"],
            "value": [0.5, None],
            "low": [0.4, None],
            "high": [0.6, None],
            "frozen": [False, True],
        },
    ),
    (
        SmallMultiples(
            "t",
            [PanelPoint("p", 1, "a", A)],
            [Band("p", "c", 0.1, None)],
            x_label="x",
            y_label="y",
            shared_y=True,
        ),
        {
            "kind": "multiples",
            "x_label": "x",
            "y_label": "y",
            "shared_y": True,
            "panel": ["p"],
            "layer": [1],
            "series": ["a"],
            "value": [0.5],
            "low": [0.4],
            "high": [0.6],
            "bands": {"panel": ["p"], "low": [0.1], "high": [None], "name": ["c"]},
        },
    ),
    (
        Ranking("t", [RankingRow("a", A, 8, 0.5, 0.7, best=True)], value_label="v"),
        {
            "kind": "ranking",
            "value_label": "v",
            "name": ["a"],
            "value": [0.5],
            "low": [0.4],
            "high": [0.6],
            "whole": [0.7],
            "best": [True],
            "tied": [False],
            "baseline": [False],
            "dimensions": [8],
            "cost": [0.5],
        },
    ),
    (
        TextTable("t", ["F1", "text"], [[0.5, [("a", True)]]]),
        {"kind": "table", "columns": ["F1", "text"], "rows": [[0.5, [("a", True)]]]},
    ),
]


@pytest.mark.parametrize(("chart", "columns"), CHARTS)
def test_findings_json_holds_a_chart_as_columns(chart, columns):
    kind, *names = columns
    assert chart.to_json() == {
        "kind": columns[kind],
        "title": "t",
        "data": {name: columns[name] for name in names},
        "caption": "",
    }


def test_every_kind_has_a_name_of_its_own():
    kinds = [chart.kind for chart, _ in CHARTS]
    assert len(set(kinds)) == len(kinds)


def test_headings_and_panels_are_columns_where_one_row_has_them():
    rows = [ForestRow("a", A, group="g"), ForestRow("b", A)]
    assert ForestPlot("t", rows, x_label="x", reference="r").data["group"] == ["g", ""]
    cells = [HeatCell(0, "cls", A, panel="")]
    labels = {"x_label": "x", "y_label": "y", "value_label": "v"}
    assert HeatMap("t", cells, **labels).data["panel"] == [""]


@pytest.mark.parametrize(
    "row",
    [
        LayerCurve,
        DensityCell,
        Quantiles,
        DistanceRow,
        ForestRow,
        HeatCell,
        LearningPoint,
        PanelPoint,
        RankingRow,
    ],
)
def test_a_row_without_one_of_its_values_is_refused(row):
    required = [f.name for f in dataclasses.fields(row) if f.default is dataclasses.MISSING]
    for absent in required:
        with pytest.raises(TypeError, match=absent):
            row(**{name: None for name in required if name != absent})


def test_curves_over_different_numbers_of_layers_are_refused():
    curves = [LayerCurve("short", [A]), LayerCurve("long", [A, A])]
    with pytest.raises(ValueError, match=r"different numbers of layers, .*'short': 1, 'long': 2"):
        LayerCurves("t", curves, y_label="y")


@pytest.mark.parametrize(("row", "word"), [([1.0], "shorter"), ([1.0, "a", "b"], "longer")])
def test_a_table_row_that_is_not_one_cell_a_column_is_refused(row, word):
    with pytest.raises(ValueError, match=f"t: row 1 is {word} than the 2 columns"):
        TextTable("t", ["F1", "text"], [[1.0, "a"], row])
