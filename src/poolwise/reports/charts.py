"""A chart's data → its drawing; one function a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import vl_convert

from poolwise.errors import PoolwiseError
from poolwise.records import Chart
from poolwise.reports.by_layer import by_layer
from poolwise.reports.density import density
from poolwise.reports.labels import lines
from poolwise.reports.theme import CONFIG

KINDS: dict[str, Callable[[Chart], alt.LayerChart]] = {
    "by_layer": by_layer,
    "density": density,
}
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
PICTURE_WIDTH = 640


def draw(chart: Chart) -> dict[str, Any]:
    """The chart as a Vega-Lite specification as wide as what holds it.

    Raises PoolwiseError for a kind that has no drawing.
    """
    if chart.kind not in KINDS:
        raise PoolwiseError(
            f"chart {chart.title!r} is of kind {chart.kind!r}; "
            f"reports draw these kinds: {', '.join(KINDS)}"
        )
    spec = KINDS[chart.kind](chart).to_dict()
    described = " ".join(part for part in (chart.title, chart.caption) if part)
    return {**spec, "config": CONFIG, "width": "container", "description": described}


def to_svg(spec: dict[str, Any], title: str) -> str:
    """A drawing as an SVG picture of its own, titled."""
    still = {**spec, "width": PICTURE_WIDTH, "title": lines(title, 72), "padding": 16}
    return vl_convert.vegalite_to_svg(still, vl_version=VEGA_LITE)


def to_png(svg: str) -> bytes:
    """An SVG picture as PNG, two dots a pixel."""
    return vl_convert.svg_to_png(svg, scale=2)
