from __future__ import annotations

import dataclasses
import re
import struct
from xml.etree import ElementTree as ET

import pytest

from poolwise.charts import Chart, Density, DensityCell, LayerCurve, LayerCurves
from poolwise.errors import PoolwiseError
from poolwise.reports.rendering import RENDERERS, render_chart
from poolwise.reports.svg import to_png, to_svg
from poolwise.reports.theme import CONTROL
from poolwise.statistics.estimate import Estimate


def _svg_texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


@pytest.fixture(scope="module")
def density_svg(density_chart: Density) -> str:
    return to_svg(render_chart(density_chart), density_chart.title)


@pytest.fixture(scope="module")
def layers_svg(layers_chart: LayerCurves) -> str:
    return to_svg(render_chart(layers_chart), layers_chart.title)


@dataclasses.dataclass(frozen=True, slots=True)
class PieChart(Chart):
    kind = "pie"

    @property
    def data(self) -> dict[str, object]:
        return {}


def test_a_kind_without_renderer_is_refused() -> None:
    with pytest.raises(PoolwiseError, match=r"'Norm against length' is of kind 'pie'.*density"):
        render_chart(PieChart("Norm against length"))


KINDS = [kind.kind for kind in RENDERERS if kind.kind != "table"]
FIXTURES = {**{kind: f"{kind}_chart" for kind in KINDS}, "by_layer": "layers_chart"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_takes_the_width_of_the_page(kind: str, request: pytest.FixtureRequest) -> None:
    chart = request.getfixturevalue(FIXTURES[kind])
    rendered = render_chart(chart)
    assert len(rendered.panels) == len(set(chart.data.get("panel", [""])))
    for panel in rendered.panels:
        assert panel.spec["width"] == "container"
        assert panel.spec["description"].startswith(f"{chart.title} {panel.title}".strip())
        assert "title" not in panel.spec  # the page has its own heading, which can wrap


def test_a_density_draws_every_cell_and_names_its_lines(
    density_chart: Density, density_svg: str
) -> None:
    texts = _svg_texts(density_svg)
    assert density_svg.count('stroke-width="0.4"') == len(density_chart.cells)
    for text in ("Norm against length", "length, tokens", "norm of [CLS]", "── R² = 0.28"):
        assert text in texts
    assert {"5 %", "25 %", "median", "75 %", "95 %"} <= set(texts)


def test_more_than_five_thousand_cells_are_drawn(density_chart: Density) -> None:
    n = 6000
    many = [DensityCell(x, x + 1, 0, 1, 3) for x in range(n)]
    (panel,) = render_chart(dataclasses.replace(density_chart, cells=many)).panels
    spec = panel.spec
    assert max(len(values) for values in spec["datasets"].values()) == n


def test_a_density_of_nothing_is_an_empty_plot(density_chart: Density) -> None:
    empty = dataclasses.replace(density_chart, cells=[], quantiles=[])
    assert "length, tokens" in to_svg(render_chart(empty), "none")


def test_series_are_named_at_their_ends(layers_svg: str) -> None:
    texts = _svg_texts(layers_svg)
    assert {"R² by layer", "layer", "R²", "norm of [CLS]", "permuted lengths"} <= set(texts)


def test_a_name_as_wide_as_dejavu_sans_draws_it_is_not_cut() -> None:
    # 263 pixels wide in Chromium with DejaVu Sans, which is wider than the font measured with.
    name = "another sentence's tokens and a constant"
    curve = LayerCurve(name, [Estimate(0.5, 0.4, 0.6)] * 3)
    image = ET.fromstring(to_svg(render_chart(LayerCurves("a", [curve], y_label="x")), "a"))
    parents = {child: parent for parent in image.iter() for child in parent}
    element = next(element for element in image.iter() if element.text == name)
    start = 0.0
    while element is not image:
        moved = re.match(r"translate\(([\d.]+)", element.get("transform", ""))
        start += float(moved[1]) if moved else 0.0
        element = parents[element]
    assert start > 400
    assert start + 263 < float(image.attrib["width"])


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
    layers_chart: LayerCurves, value: float, domain: list[float]
) -> None:
    curve = LayerCurve("a", [Estimate(value, value - 0.1, value + 0.1)])
    (panel,) = render_chart(dataclasses.replace(layers_chart, curves=[curve])).panels
    assert panel.spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == pytest.approx(domain)


def test_a_picture_has_size_and_ink(layers_svg: str) -> None:
    png = to_png(layers_svg)
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert width > 1300
    assert height > 700
    assert len(png) > 20_000
