"""Findings as studies yield them, with text that would break a careless page."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.records import Chart, Finding, Number

HOSTILE = "</script><script>alert(1)</script><b>&amp;</b> {{ 7 * 7 }} \u2028 'q' \"q\""


@pytest.fixture(scope="session")
def hostile() -> str:
    return HOSTILE


@pytest.fixture(scope="session")
def density_chart() -> Chart:
    random = np.random.default_rng(0)
    length = random.integers(1, 60, 4000)
    norm = 7 + 0.01 * length + random.normal(0, 0.3, 4000)
    counts, xs, ys = np.histogram2d(length, norm, [np.arange(0.5, 60), 30])
    i, j = np.nonzero(counts)
    bands = {f"q{q:02}": [7 + q / 100] * 59 for q in (5, 25, 50, 75, 95)}
    data = {
        "x_label": "length, tokens",
        "y_label": "norm of [CLS]",
        "x0": xs[i],
        "x1": xs[i + 1],
        "y0": ys[j],
        "y1": ys[j + 1],
        "count": counts[i, j].astype(int),
        "line": {"x": [1, 59], "y": [7.01, 7.59]},
        "line_label": "R² = 0.28",
        "bands": {"x": np.arange(1, 60), **bands, "q95": [None, *bands["q95"][1:]]},
    }
    return Chart("density", "Norm against length", data, "Darker is more.")


@pytest.fixture(scope="session")
def layers_chart() -> Chart:
    data = {
        "x_label": "layer",
        "y_label": "R²",
        "layer": [0, 1, 2, 3] * 2,
        "series": ["norm of [CLS]"] * 4 + ["permuted lengths"] * 4,
        "value": [None, 0.2, float("nan"), 0.3, 0.0, -0.01, 0.01, 0.0],
        "low": [None, 0.1, None, 0.2, -0.01, -0.02, 0.0, -0.01],
        "high": [None, 0.3, None, 0.4, 0.01, 0.0, 0.02, 0.01],
        "control": [False] * 4 + [True] * 4,
    }
    return Chart("by_layer", "R² by layer", data)


@pytest.fixture(scope="session")
def finding(density_chart: Chart, layers_chart: Chart) -> Finding:
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
            Chart("by_layer", HOSTILE, _spiced(layers_chart), f"Caption {HOSTILE}"),
            layers_chart,
        ],
        notes=[f"A note. {HOSTILE}"],
        provenance={"model": "tiny", HOSTILE: HOSTILE, "seed": np.int64(7), "n": float("inf")},
    )


def _spiced(chart: Chart) -> dict[str, object]:
    return {
        **chart.data,
        "y_label": HOSTILE,
        "series": [f"{name} {HOSTILE}" for name in chart.data["series"]],
    }


@pytest.fixture(scope="session")
def heat_chart() -> Chart:
    panels, layers, pools = ("raw", "whiten(2)"), range(3), ("cls", "mean", "mean[words]")
    cells = [(panel, layer, pool) for panel in panels for layer in layers for pool in pools]
    value = [0.5 + k / 100 for k in range(len(cells))]
    data = {
        "x_label": "pool",
        "y_label": "layer",
        "value_label": "Spearman, dev,",
        "panel": [cell[0] for cell in cells],
        "layer": [cell[1] for cell in cells],
        "pool": [cell[2] for cell in cells],
        "value": [None, float("nan"), 0.03, *value[3:-1], 0.7346],
        "low": [None, None, 0.01, *(x - 0.01 for x in value[3:])],
        "high": [None, None, 0.05, *(x + 0.01 for x in value[3:])],
        "best": [k == 17 for k in range(18)],
        "tied": [k in {13, 14, 16, 17} for k in range(18)],
    }
    return Chart("heat", "Every layer and pool", data, "Scores on dev.")


@pytest.fixture(scope="session")
def forest_chart() -> Chart:
    data = {
        "x_label": "difference in accuracy",
        "reference": "mean@-1",
        "name": ["mean@2", "cls@-1", "max@1", "shuffled"],
        "value": [0.0213, -0.0101, None, 0.0004],
        "low": [0.01, -0.03, None, -0.01],
        "high": [0.03, 0.01, None, 0.0111],
        "control": [False, False, False, True],
        "clear": [True, False, False, False],
        "group": ["pools", "pools", "pools", "controls"],
    }
    return Chart("forest", "What others gain", data)


@pytest.fixture(scope="session")
def multiples_chart() -> Chart:
    tasks, layers, series = ("length", "word_order"), range(4), ("mean", "cls")
    points = [(task, layer, name) for task in tasks for name in series for layer in layers]
    value = [0.5 + k / 50 for k in range(len(points))]
    data = {
        "x_label": "layer",
        "y_label": "accuracy",
        "shared_y": False,
        "panel": [point[0] for point in points],
        "layer": [point[1] for point in points],
        "series": [point[2] for point in points],
        "value": [None, *value[1:]],
        "low": [None, *(x - 0.01 for x in value[1:])],
        "high": [None, *(x + 0.01 for x in value[1:])],
        "bands": {
            "panel": ["length", "length", "word_order"],
            "low": [0.2, 0.3, 0.48],
            "high": [0.25, 0.31, 0.48],
            "name": ["shuffled labels", "untrained encoder", "shuffled labels"],
        },
    }
    return Chart("multiples", "What each layer knows", data)


@pytest.fixture(scope="session")
def ranking_chart() -> Chart:
    data = {
        "value_label": "accuracy, test",
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
    return Chart("ranking", "Score and cost", data)


@pytest.fixture(scope="session")
def learning_curve_chart() -> Chart:
    sizes, series = (100, 1000, 6000), ("cls@-1", "mean@-1", "token[3]@-1")
    points = [(n, name, frozen) for frozen in (False, True) for name in series for n in sizes]
    value = [0.5 + k / 50 for k in range(len(points))]
    data = {
        "x_label": "rows of train",
        "y_label": "accuracy, test",
        "n": [point[0] for point in points],
        "series": [point[1] for point in points],
        "value": [None, *value[1:]],
        "low": [None, *(x - 0.01 for x in value[1:])],
        "high": [None, *(x + 0.01 for x in value[1:])],
        "frozen": [point[2] for point in points],
    }
    return Chart("learning_curve", "Fine-tuned and frozen", data)
