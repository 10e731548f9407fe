from __future__ import annotations

import dataclasses
import struct
from xml.etree import ElementTree as ET

import pytest

from poolwise.errors import PoolwiseError
from poolwise.records import Chart
from poolwise.reports.charts import KINDS, draw
from poolwise.reports.svg import to_png, to_svg
from poolwise.reports.theme import CONTROL


def _svg_texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


@pytest.fixture(scope="module")
def density_svg(density_chart: Chart) -> str:
    return to_svg(draw(density_chart), density_chart.title)


@pytest.fixture(scope="module")
def layers_svg(layers_chart: Chart) -> str:
    return to_svg(draw(layers_chart), layers_chart.title)


def test_a_kind_without_drawing_is_refused(density_chart: Chart) -> None:
    with pytest.raises(PoolwiseError, match=r"'Norm against length' is of kind 'pie'.*density"):
        draw(dataclasses.replace(density_chart, kind="pie"))


DRAWN = [kind for kind in KINDS if kind != "table"]
FIXTURES = {**{kind: f"{kind}_chart" for kind in DRAWN}, "by_layer": "layers_chart"}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_drawing_takes_the_width_of_the_page(kind: str, request: pytest.FixtureRequest) -> None:
    chart = request.getfixturevalue(FIXTURES[kind])
    drawing = draw(chart)
    assert len(drawing.panels) == len(set(chart.data.get("panel", [""])))
    for panel in drawing.panels:
        assert panel.spec["width"] == "container"
        assert panel.spec["description"].startswith(f"{chart.title} {panel.title}".strip())
        assert "title" not in panel.spec  # the page has its own heading, which can wrap


@pytest.mark.parametrize("kind", DRAWN)
def test_a_missing_or_short_column_is_refused(kind: str, request: pytest.FixtureRequest) -> None:
    chart = request.getfixturevalue(FIXTURES[kind])
    columns = [n for n, c in chart.data.items() if isinstance(c, list | range) and n != "bands"]
    for name in columns:
        short = {**chart.data, name: chart.data[name][:-1]}
        with pytest.raises(ValueError, match=r"shorter|longer"):
            draw(dataclasses.replace(chart, data=short))
    without = {name: column for name, column in chart.data.items() if name != "value"}
    if "value" in chart.data:
        with pytest.raises(KeyError, match="value"):
            draw(dataclasses.replace(chart, data=without))


def test_a_density_draws_every_cell_and_names_its_lines(
    density_chart: Chart, density_svg: str
) -> None:
    texts = _svg_texts(density_svg)
    assert density_svg.count('stroke-width="0.4"') == len(density_chart.data["count"])
    for text in ("Norm against length", "length, tokens", "norm of [CLS]", "── R² = 0.28"):
        assert text in texts
    assert {"5 %", "25 %", "median", "75 %", "95 %"} <= set(texts)


def test_more_than_five_thousand_cells_are_drawn(density_chart: Chart) -> None:
    n = 6000
    many = {"x0": range(n), "x1": range(1, n + 1), "y0": [0] * n, "y1": [1] * n, "count": [3] * n}
    (panel,) = draw(dataclasses.replace(density_chart, data={**density_chart.data, **many})).panels
    spec = panel.spec
    assert max(len(values) for values in spec["datasets"].values()) == n


def test_a_density_of_nothing_is_an_empty_plot(density_chart: Chart) -> None:
    empty = {name: [] for name in ("x0", "x1", "y0", "y1", "count")}
    bands = {name: [] for name in density_chart.data["bands"]}
    data = {**density_chart.data, **empty, "bands": bands}
    assert "length, tokens" in to_svg(draw(dataclasses.replace(density_chart, data=data)), "none")


def test_series_are_named_at_their_ends(layers_svg: str) -> None:
    texts = _svg_texts(layers_svg)
    assert {"R² by layer", "layer", "R²", "norm of [CLS]", "permuted lengths"} <= set(texts)


def test_controls_are_grey_and_dashed(layers_svg: str) -> None:
    paths = [e.attrib for e in ET.fromstring(layers_svg).iter() if e.tag.endswith("}path")]
    grey = [p for p in paths if p.get("stroke") == CONTROL and p.get("stroke-dasharray") == "5,4"]
    assert len(grey) == 1


def test_none_and_nan_are_gaps(layers_svg: str) -> None:
    paths = [e.attrib for e in ET.fromstring(layers_svg).iter() if e.tag.endswith("}path")]
    (measured,) = [p for p in paths if p.get("stroke-dasharray") == "1,0"]
    assert measured["d"].count("M") == 2  # layers 1 and 3 are drawn, 0 and 2 are not
    assert measured["d"].count("L") == 0 or "Z" in measured["d"]


@pytest.mark.parametrize(("value", "domain"), [(0.5, [0, 1]), (-0.4, [-0.5, 1]), (7, [0, 7.1])])
def test_the_scale_holds_zero_one_and_every_interval(
    layers_chart: Chart, value: float, domain: list[float]
) -> None:
    one = {
        "layer": [0],
        "series": ["a"],
        "value": [value],
        "low": [value - 0.1],
        "high": [value + 0.1],
        "control": [False],
    }
    (panel,) = draw(dataclasses.replace(layers_chart, data={**layers_chart.data, **one})).panels
    assert panel.spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == pytest.approx(domain)


def test_a_picture_has_size_and_ink(layers_svg: str) -> None:
    png = to_png(layers_svg)
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert width > 1300
    assert height > 700
    assert len(png) > 20_000
