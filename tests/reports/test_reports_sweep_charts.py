"""The pictures of a sweep: heat, forest, multiples, ranking."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from poolwise.charts import (
    Chart,
    ForestPlot,
    HeatCell,
    HeatMap,
    PanelPoint,
    Ranking,
    SmallMultiples,
)
from poolwise.reports.heat_map import WHITE_FROM, shade_size, shades
from poolwise.reports.rendered_chart import RenderedChart
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_svg
from poolwise.reports.theme import (
    ACCENT,
    BANDS,
    BLACK,
    CONFIG,
    CONTROL,
    DARK,
    DENSITY,
    INK,
    PAPER,
    QUIET,
    SERIES,
)
from poolwise.statistics.estimate import Estimate

Changed = Callable[..., Any]


def _texts(chart: Chart) -> list[str]:
    svg = to_svg(render_chart(chart), chart.title)
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


def _rows(rendered: RenderedChart, panel: int = 0) -> list[dict[str, Any]]:
    """The inline data of a panel, of all layers."""
    spec = rendered.panels[panel].spec
    return (
        [row for values in spec["datasets"].values() for row in values]
        if ("datasets" in spec)
        else [row for layer in spec["layer"] for row in layer["data"]["values"]]
    )


# heat


def test_a_heat_map_writes_every_value_and_marks_gaps(heat_chart: HeatMap) -> None:
    texts = _texts(heat_chart)
    assert {"raw", "whiten(2)", "cls", "mean", "mean[words]", "0", "1", "2", "layer"} <= set(texts)
    assert {"73.5", "3.0", "In each cell: Spearman, dev, x 100"} <= set(texts)
    assert texts.count("–") == 2
    assert not any("NaN" in text or "null" in text for text in texts)


def test_the_last_layer_is_on_top_and_what_has_a_name_above_it(
    heat_chart: HeatMap, changed: Changed
) -> None:
    rows = ["avg(1,2)" if cell.row == 0 else cell.row for cell in heat_chart.cells]
    (first, _) = render_chart(changed(heat_chart, "cells", row=rows)).panels
    assert first.spec["layer"][0]["encoding"]["y"]["sort"] == ["avg(1,2)", "2", "1"]


def test_rows_with_names_alone_keep_their_order(heat_chart: HeatMap, changed: Changed) -> None:
    tasks = [("length", "depth", "order")[int(cell.row)] for cell in heat_chart.cells]
    numbers = [str(len(cell.column)) for cell in heat_chart.cells]
    labels = {"y_label": "task", "x_label": "layer"}
    chart = changed(heat_chart, "cells", row=tasks, column=numbers, **labels)
    (first, _) = render_chart(chart).panels
    assert first.spec["layer"][0]["encoding"]["y"]["sort"] == ["length", "depth", "order"]
    assert {"task", "layer", "4", "11"} <= set(_texts(chart))


def test_panels_share_shades(heat_chart: HeatMap) -> None:
    rendered = render_chart(heat_chart)
    rows = [row for row in _rows(rendered, 0) + _rows(rendered, 1) if "fill" in row]
    assert {row["fill"] for row in rows if row["value"] == 0.7346} == {DENSITY[-1]}
    assert {row["fill"] for row in rows if row["value"] == 0.03} == {DENSITY[0]}
    assert {row["fill"] for row in rows if row["value"] is None} == {PAPER}


def test_one_bad_cell_does_not_flatten_the_others() -> None:
    values = [0.01, 0.70, 0.72, 0.74, 0.76, None]
    found = shades(values, shade_size(values, None))
    assert found[0] == 0
    assert found[-1] is None
    assert found[4] == len(DENSITY) - 1
    assert len(set(found[1:5])) == 4


def test_cells_within_the_smallest_difference_of_the_highest_share_its_shade() -> None:
    values = [0.80, 0.78, 0.769, 0.74, 0.1]
    assert shade_size(values, 0.03) == 0.03
    assert shades(values, 0.03) == [7, 7, 6, 5, 0]
    assert shade_size([0.80, 0.40, 0.60, 0.50, 0.70], 0.03) == pytest.approx(0.05)


@pytest.mark.parametrize("value", [0.5, None])
def test_equal_values_and_none_at_all_have_shades(value: float | None) -> None:
    size = shade_size([value, value], None)
    assert shades([value, value], size) == ([7, 7] if value else [None, None])


@pytest.mark.parametrize(
    ("smallest", "text"),
    [
        (0.1, "each shade: 10.0, the smallest difference that these data can show"),
        (0.001, "each shade: 3.6; these data can show differences of 0.1"),
    ],
)
def test_a_shade_says_what_it_stands_for(heat_chart: HeatMap, smallest: float, text: str) -> None:
    chart = dataclasses.replace(heat_chart, smallest_difference=smallest)
    assert text in _texts(chart)
    assert chart.data["smallest_difference"] == smallest
    assert "smallest_difference" not in heat_chart.data


def test_the_line_goes_around_a_group_of_ties(heat_chart: HeatMap) -> None:
    # rows of "whiten(2)", bottom up: cells 9-11, 12-14, 15-17; inside are 13, 14, 16, 17
    _, panel = render_chart(heat_chart).panels
    sides = [layer for layer in panel.spec["layer"] if layer["mark"]["type"] == "rule"]
    assert [len(_values(panel.spec, side)) for side in sides] == [2, 2, 2, 2]
    (ring,) = [layer for layer in panel.spec["layer"] if layer["mark"].get("stroke") == ACCENT]
    assert [cell["value"] for cell in _values(panel.spec, ring)] == [0.7346]


def _values(spec: Any, layer: Any) -> list[dict[str, Any]]:
    data = layer["data"]
    found: list[dict[str, Any]] = (
        data["values"] if "values" in data else spec["datasets"][data["name"]]
    )
    return found


def test_the_key_names_only_what_is_there(heat_chart: HeatMap, changed: Changed) -> None:
    assert [entry.text for entry in render_chart(heat_chart).legend[1:]] == [
        "chosen",
        "cannot be told from it",
    ]
    none = [False] * 18
    assert len(render_chart(changed(heat_chart, "cells", best=none, tied=none)).legend) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_every_shade(dark: bool) -> None:
    for k, shade in enumerate(DENSITY):
        text = PAPER if k >= WHITE_FROM else BLACK
        assert _contrast(*((DARK[shade], DARK[text]) if dark else (shade, text))) > 4.5


def test_lines_stand_out_on_a_dark_page_and_every_colour_has_one_there() -> None:
    for color in (INK, QUIET, CONTROL, ACCENT, *SERIES):
        assert _contrast(DARK[color], DARK[PAPER]) > 4.5
    colors = re.findall(r"#[0-9a-f]{6}", json.dumps(CONFIG))
    assert {*colors, *SERIES, *BANDS, *DENSITY} <= DARK.keys()


def _contrast(a: str, b: str) -> float:
    lights = [_light(np.array([int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)])) for c in (a, b)]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def _light(rgb: Any) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_large_map_keeps_cells_that_can_be_read(heat_chart: HeatMap) -> None:
    cells = list(itertools.product(range(25), [f"pool{k}" for k in range(12)]))
    many = [
        HeatCell(layer, pool, Estimate(k / len(cells))) for k, (layer, pool) in enumerate(cells)
    ]
    rendered = render_chart(dataclasses.replace(heat_chart, cells=many, value_label="x 100"))
    (panel,) = rendered.panels
    assert panel.spec["height"] >= 25 * 20
    assert rendered.min_width >= 12 * 36


def test_one_cell_and_no_cell_are_drawn(heat_chart: HeatMap) -> None:
    one = dataclasses.replace(heat_chart, cells=heat_chart.cells[-1:])
    assert "73.5" in _texts(one)
    none = dataclasses.replace(heat_chart, cells=[])
    assert render_chart(none).panels == []
    assert "Every layer and pool" in _texts(none)


# forest


def test_differences_have_signs_and_share_decimals(forest_chart: ForestPlot) -> None:
    texts = _texts(forest_chart)
    assert {"+0.021", "−0.010", "0.000", "[0.010, 0.030]", "[−0.010, 0.011]"} <= set(texts)
    assert {"mean@-1", "difference in accuracy", "pools", "controls", "max@1"} <= set(texts)


def test_clear_dots_are_filled_and_controls_grey(forest_chart: ForestPlot) -> None:
    rows = {row["name"]: row for row in _rows(render_chart(forest_chart)) if "fill" in row}
    assert rows["mean@2"]["fill"] == rows["mean@2"]["color"] == SERIES[0]
    assert rows["cls@-1"]["fill"] == PAPER
    assert rows["shuffled"]["color"] == CONTROL


def test_rows_stand_in_the_order_given_under_their_headings(forest_chart: ForestPlot) -> None:
    rows = [row for row in _rows(render_chart(forest_chart)) if "weight" in row]
    order = sorted({(row["y"], row["name"]) for row in rows})
    names = ["pools", "mean@2", "cls@-1", "max@1", "controls", "shuffled"]
    assert [name for _, name in order] == names


@pytest.mark.parametrize("value", [[], [None], [0.0]])
def test_a_forest_without_trees_is_drawn(
    forest_chart: ForestPlot, changed: Changed, value: list[float | None]
) -> None:
    n = len(value)
    columns = {"low": value, "high": value, "control": [False] * n, "clear": [False] * n}
    chart = changed(forest_chart, "rows", value=value, name=["a"] * n, group=[""] * n, **columns)
    assert "difference in accuracy" in _texts(chart)


# multiples


def test_colours_mean_the_same_in_every_panel(multiples_chart: SmallMultiples) -> None:
    rendered = render_chart(multiples_chart)
    assert [panel.title for panel in rendered.panels] == ["length", "word_order"]
    names = ["accuracy by layer", "mean", "cls", "shuffled labels", "untrained encoder"]
    assert [entry.text for entry in rendered.legend] == names
    scales = [panel.spec["layer"][1]["encoding"]["color"]["scale"] for panel in rendered.panels]
    assert scales[0] == scales[1] == {"domain": ["mean", "cls"], "range": SERIES[:2]}


@pytest.mark.parametrize(
    ("shared", "domains"), [(False, [[0.2, 0.81], [0.48, 0.81]]), (True, [[0.2, 0.81]] * 2)]
)
def test_the_y_axis_is_shared_where_asked(
    multiples_chart: SmallMultiples, changed: Changed, shared: bool, domains: list[list[float]]
) -> None:
    value = [None, *[0.6] * 6, 0.8] * 2
    columns = {"low": value, "high": [x and x + 0.01 for x in value], "value": value}
    rendered = render_chart(changed(multiples_chart, "points", shared_y=shared, **columns))
    found = [p.spec["layer"][0]["encoding"]["y"]["scale"]["domain"] for p in rendered.panels]
    assert found == [pytest.approx(domain) for domain in domains]


def test_multiples_without_bands_or_values_are_drawn(
    multiples_chart: SmallMultiples, changed: Changed
) -> None:
    gaps = [None] * len(multiples_chart.points)
    columns = {"value": gaps, "low": gaps, "high": gaps}
    texts = _texts(changed(multiples_chart, "points", bands=[], **columns))
    assert {"length", "word_order", "mean", "cls"} <= set(texts)
    assert "shuffled labels" not in texts


def test_a_band_without_bounds_is_left_out(multiples_chart: SmallMultiples) -> None:
    bands = [dataclasses.replace(band, low=None, high=None) for band in multiples_chart.bands]
    assert "word_order" in _texts(dataclasses.replace(multiples_chart, bands=bands))


def test_many_layers_have_few_ticks(multiples_chart: SmallMultiples) -> None:
    points = [PanelPoint("length", x, "mean", Estimate(0.5, 0.5, 0.5)) for x in range(25)]
    (panel,) = render_chart(dataclasses.replace(multiples_chart, points=points)).panels
    ticks = panel.spec["layer"][1]["encoding"]["x"]["axis"]["values"]
    assert ticks == [0, 4, 8, 12, 16, 20, 24]


# ranking


def test_a_ranking_is_best_first_with_size_and_cost(ranking_chart: Ranking) -> None:
    rows = sorted(
        (r for r in _rows(render_chart(ranking_chart)) if "share" in r), key=lambda r: r["y"]
    )
    names = list(dict.fromkeys(row["name"] for row in rows))
    assert names == ["mean@2", "cls@-1", "TF-IDF", "max@-1", "pooler"]
    texts = _texts(ranking_chart)
    assert {"0.821", "[0.810, 0.830]", "384", "1.5 kB", "400 B", "33 %", "100 %"} <= set(texts)
    assert "–" in texts


def test_ties_baselines_and_the_best_are_told_apart(ranking_chart: Ranking) -> None:
    rendered = render_chart(ranking_chart)
    rows = {row["name"]: row for row in _rows(rendered) if "fill" in row}
    looks = {name: (row["color"], row["fill"]) for name, row in rows.items()}
    assert looks["mean@2"] == (ACCENT, ACCENT)
    assert looks["cls@-1"] == (ACCENT, PAPER)
    assert looks["TF-IDF"] == (CONTROL, CONTROL)
    assert looks["max@-1"] == (SERIES[0], SERIES[0])
    texts = ["chosen", "cannot be told from it", "baseline", "lower"]
    assert [entry.text for entry in rendered.legend] == texts


@pytest.mark.parametrize("n", [0, 1, 30])
def test_a_ranking_of_any_length_is_drawn(ranking_chart: Ranking, n: int) -> None:
    chart = dataclasses.replace(ranking_chart, rows=[ranking_chart.rows[1]] * n)
    assert _texts(chart).count("33 %") == n


# pictures of all kinds


def test_views_in_one_picture_do_not_share_names(multiples_chart: SmallMultiples) -> None:
    svg = to_svg(render_chart(multiples_chart), multiples_chart.title)
    names = [e.attrib["id"] for e in ET.fromstring(svg).iter() if "id" in e.attrib]
    assert len(names) == len(set(names))


def test_a_long_key_is_broken_and_hostile_text_stays_text(
    multiples_chart: SmallMultiples, changed: Changed, hostile: str
) -> None:
    series = [f"{point.series} {hostile}" for point in multiples_chart.points]
    chart = changed(multiples_chart, "points", series=series, y_label=hostile)
    rendered = render_chart(dataclasses.replace(chart, title=hostile))
    root = ET.fromstring(to_svg(rendered, hostile))
    assert not [e for e in root.iter() if e.tag.endswith(("}b", "}script"))]
    heights = {
        e.attrib["y"] for e in root if e.tag.endswith("}text") and "mean" in "".join(e.itertext())
    }
    heights |= {
        e.attrib["y"] for e in root if e.tag.endswith("}text") and "cls" in "".join(e.itertext())
    }
    assert len(heights) == 2
