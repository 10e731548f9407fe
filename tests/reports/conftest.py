"""Findings as studies yield them, with text that would break a careless page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from poolwise.charts import (
    Band,
    CostFront,
    CostPoint,
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
)
from poolwise.records import Finding, Number
from poolwise.statistics.estimate import Estimate

HOSTILE = "</script><script>alert(1)</script><b>&amp;</b> {{ 7 * 7 }} \u2028 'q' \"q\""
INTERVAL = ("value", "low", "high")


@pytest.fixture(scope="session")
def hostile() -> str:
    return HOSTILE


def _from_columns(row: type[Any], columns: dict[str, Any]) -> list[Any]:
    """A row of this type for each place of the columns; value, low and high are its estimate."""
    fields = {name: column for name, column in columns.items() if name not in INTERVAL}
    if "value" in columns:
        triples = zip(*(columns[name] for name in INTERVAL), strict=True)
        fields["estimate"] = [Estimate(*triple) for triple in triples]
    return [
        row(**dict(zip(fields, items, strict=True))) for items in zip(*fields.values(), strict=True)
    ]


def _columns(rows: Any) -> dict[str, list[Any]]:
    names = [field.name for field in dataclasses.fields(rows[0]) if field.name != "estimate"]
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    if hasattr(rows[0], "estimate"):
        columns |= {name: [getattr(row.estimate, name) for row in rows] for name in INTERVAL}
    return columns


@pytest.fixture(scope="session")
def from_columns() -> Callable[..., list[Any]]:
    """Rows of a chart from columns of equal length."""
    return lambda row, **columns: _from_columns(row, columns)


@pytest.fixture(scope="session")
def changed() -> Callable[..., Any]:
    """The chart with other columns in the rows of a field, or with other labels."""

    def change(chart: Any, field: str = "", **changes: Any) -> Any:
        labels = {f.name for f in dataclasses.fields(chart)} & changes.keys()
        columns = {name: column for name, column in changes.items() if name not in labels}
        changes = {name: changes[name] for name in labels}
        if columns:
            rows = getattr(chart, field)
            changes[field] = _from_columns(type(rows[0]), {**_columns(rows), **columns})
        return dataclasses.replace(chart, **changes)

    return change


@pytest.fixture(scope="session")
def density_chart() -> Density:
    random = np.random.default_rng(0)
    length = random.integers(1, 60, 4000)
    norm = 7 + 0.01 * length + random.normal(0, 0.3, 4000)
    counts, xs, ys = np.histogram2d(length, norm, [np.arange(0.5, 60), 30])
    cells = [
        DensityCell(xs[i], xs[i + 1], ys[j], ys[j + 1], int(counts[i, j]))
        for i, j in np.argwhere(counts)
    ]
    return Density(
        "Norm against length",
        cells,
        [Quantiles(x, 7.05, 7.25, 7.5, 7.75, None if x == 1 else 7.95) for x in range(1, 60)],
        ((1, 7.01), (59, 7.59)),
        line_label="R² = 0.28",
        x_label="length, tokens",
        y_label="norm of [CLS]",
        caption="Darker is more.",
    )


@pytest.fixture(scope="session")
def layers_chart() -> LayerCurves:
    measured = [
        Estimate(None),
        Estimate(0.2, 0.1, 0.3),
        Estimate(float("nan")),
        Estimate(0.3, 0.2, 0.4),
    ]
    control = [
        Estimate(0.0, -0.01, 0.01),
        Estimate(-0.01, -0.02, 0.0),
        Estimate(0.01, 0.0, 0.02),
        Estimate(0.0, -0.01, 0.01),
    ]
    curves = [
        LayerCurve("norm of [CLS]", measured),
        LayerCurve("permuted lengths", control, control=True),
    ]
    return LayerCurves("R² by layer", curves, y_label="R²")


@pytest.fixture(scope="session")
def finding(density_chart: Density, layers_chart: LayerCurves) -> Finding:
    where = {"readout": "cls@6", "layer": 6, "length": "tokens"}
    return Finding(
        study="length",
        question=f"Does the norm encode length? {HOSTILE}",
        verdict=f"Hardly. {HOSTILE}",
        numbers=[
            Number(f"R² {HOSTILE}", 0.0312345, 0.027, 0.036, where),
            Number("Spearman", float("nan"), where={"readout": HOSTILE}, note=f"NaN {HOSTILE}"),
            Number("permuted R²", 0.0004, -0.0002, 0.0011, where, control=True),
        ],
        charts=[
            density_chart,
            _spiced(layers_chart),
            layers_chart,
        ],
        notes=[f"A note. {HOSTILE}"],
        provenance={"model": "tiny", HOSTILE: HOSTILE, "seed": np.int64(7), "n": float("inf")},
    )


def _spiced(chart: LayerCurves) -> LayerCurves:
    return LayerCurves(
        HOSTILE,
        [dataclasses.replace(curve, name=f"{curve.name} {HOSTILE}") for curve in chart.curves],
        y_label=HOSTILE,
        caption=f"Caption {HOSTILE}",
    )


@pytest.fixture(scope="session")
def heat_chart() -> HeatMap:
    panels, layers, pools = ("raw", "whiten(2)"), range(3), ("cls", "mean", "mean[words]")
    places = [(panel, layer, pool) for panel in panels for layer in layers for pool in pools]
    value = [0.5 + k / 100 for k in range(len(places))]
    columns = {
        "panel": [place[0] for place in places],
        "row": [place[1] for place in places],
        "column": [place[2] for place in places],
        "value": [None, float("nan"), 0.03, *value[3:-1], 0.7346],
        "low": [None, None, 0.01, *(x - 0.01 for x in value[3:])],
        "high": [None, None, 0.05, *(x + 0.01 for x in value[3:])],
        "best": [k == 17 for k in range(18)],
        "tied": [k in {13, 14, 16, 17} for k in range(18)],
    }
    return HeatMap(
        "Every layer and pool",
        _from_columns(HeatCell, columns),
        x_label="pool",
        y_label="layer",
        value_label="Spearman, dev,",
        caption="Scores on dev.",
    )


@pytest.fixture(scope="session")
def distances_chart() -> Distances:
    rows = [
        DistanceRow("cls@1", 3e-7, best=True),
        DistanceRow("token[0]@1", 3e-7, same=True),
        DistanceRow("cls@2", 0.05),
        DistanceRow("mean@-1", 1.2),
    ]
    return Distances("Nearest readouts", rows, x_label="distance", tolerance=0.03)


@pytest.fixture(scope="session")
def forest_chart() -> ForestPlot:
    columns = {
        "name": ["mean@2", "cls@-1", "max@1", "shuffled"],
        "value": [0.0213, -0.0101, None, 0.0004],
        "low": [0.01, -0.03, None, -0.01],
        "high": [0.03, 0.01, None, 0.0111],
        "control": [False, False, False, True],
        "clear": [True, False, False, False],
        "group": ["pools", "pools", "pools", "controls"],
    }
    rows = _from_columns(ForestRow, columns)
    return ForestPlot(
        "What others gain", rows, x_label="difference in accuracy", reference="mean@-1"
    )


@pytest.fixture(scope="session")
def multiples_chart() -> SmallMultiples:
    tasks, layers, series = ("length", "word_order"), range(4), ("mean", "cls")
    places = [(task, layer, name) for task in tasks for name in series for layer in layers]
    value = [0.5 + k / 50 for k in range(len(places))]
    columns = {
        "panel": [place[0] for place in places],
        "x": [place[1] for place in places],
        "series": [place[2] for place in places],
        "value": [None, *value[1:]],
        "low": [None, *(x - 0.01 for x in value[1:])],
        "high": [None, *(x + 0.01 for x in value[1:])],
    }
    return SmallMultiples(
        "What each layer knows",
        _from_columns(PanelPoint, columns),
        [
            Band("length", "shuffled labels", 0.2, 0.25),
            Band("length", "untrained encoder", 0.3, 0.31),
            Band("word_order", "shuffled labels", 0.48, 0.48),
        ],
        x_label="layer",
        y_label="accuracy",
        shared_y=False,
    )


@pytest.fixture(scope="session")
def ranking_chart() -> Ranking:
    columns = {
        "name": ["TF-IDF", "mean@2", "cls@-1", "pooler", "max@-1"],
        "value": [0.71, 0.8213, 0.815, None, 0.6],
        "low": [0.70, 0.81, 0.80, None, 0.59],
        "high": [0.72, 0.83, 0.82, None, 0.61],
        "tied": [False, True, True, False, False],
        "best": [False, True, False, False, False],
        "baseline": [True, False, False, False, False],
        "dimensions": [100, 384, 384, 384, None],
        "cost": [None, 1 / 3, 1.0, 1.0, 1.0],
    }
    rows = _from_columns(RankingRow, columns)
    return Ranking("Score and cost", rows, value_label="accuracy, test")


@pytest.fixture(scope="session")
def cost_front_chart() -> CostFront:
    columns = {
        "name": ["mean@3", "mean@-1", "cls@-1", "mean@-1"],
        "model": ["small", "large", "large", "small"],
        "milliseconds": [1.1, 4.0, 4.0, 2.2],
        "value": [0.70, 0.82, 0.75, None],
        "low": [0.69, 0.81, 0.74, None],
        "high": [0.71, 0.83, 0.76, None],
        "front": [True, True, False, False],
        "best": [False, True, False, False],
        "reference": [False, False, True, False],
    }
    return CostFront("Score against time", _from_columns(CostPoint, columns), y_label="accuracy")


@pytest.fixture(scope="session")
def learning_curve_chart() -> LearningCurve:
    sizes, series = (100, 1000, 6000), ("cls@-1", "mean@-1", "token[3]@-1")
    places = [(n, name, frozen) for frozen in (False, True) for name in series for n in sizes]
    value = [0.5 + k / 50 for k in range(len(places))]
    columns = {
        "n": [place[0] for place in places],
        "series": [place[1] for place in places],
        "value": [None, *value[1:]],
        "low": [None, *(x - 0.01 for x in value[1:])],
        "high": [None, *(x + 0.01 for x in value[1:])],
        "frozen": [place[2] for place in places],
    }
    return LearningCurve(
        "Fine-tuned and frozen",
        _from_columns(LearningPoint, columns),
        x_label="rows of train",
        y_label="accuracy, test",
    )
