"""Distances on a logarithmic axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from poolwise.charts import DistanceRow, Distances
from poolwise.reports.number_format import power_of_ten
from poolwise.reports.rendered_chart import RenderedChart
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_svg
from poolwise.reports.theme import ACCENT, PAPER


def _texts(chart: Distances) -> list[str]:
    svg = to_svg(render_chart(chart), chart.title)
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


def _rows(rendered: RenderedChart) -> dict[str, dict[str, Any]]:
    (panel,) = rendered.panels
    rows = (row for values in panel.spec["datasets"].values() for row in values)
    return {row["name"]: row for row in rows if "place" in row and "name" in row}


def test_places_are_powers_of_ten(distances_chart: Distances) -> None:
    rows = _rows(render_chart(distances_chart))
    assert rows["cls@2"]["place"] == pytest.approx(-1.301, abs=1e-3)
    assert rows["cls@1"]["place"] == pytest.approx(-6.523, abs=1e-3)
    texts = _texts(distances_chart)
    assert {"10⁻⁷", "0.001", "0.1", "1", "3.0·10⁻⁷", "0.0500", "1.20", "mean@-1"} <= {*texts}


def test_what_is_the_same_is_hollow(distances_chart: Distances) -> None:
    rows = _rows(render_chart(distances_chart))
    assert (rows["cls@1"]["color"], rows["cls@1"]["fill"]) == (ACCENT, ACCENT)
    assert (rows["token[0]@1"]["color"], rows["token[0]@1"]["fill"]) == (ACCENT, PAPER)
    assert rows["cls@2"]["color"] != ACCENT
    legend = [entry.text for entry in render_chart(distances_chart).legend]
    assert legend[:3] == ["the nearest", "gives the same vectors", "others"]
    assert "0.03" in legend[3]


def test_the_nearest_may_be_too_far(distances_chart: Distances) -> None:
    far = dataclasses.replace(distances_chart, rows=[DistanceRow("a", 1.4, best=True)])
    legend = [entry.text for entry in render_chart(far).legend]
    assert legend[0] == "the nearest, yet too far"
    assert "others" not in legend


@pytest.mark.parametrize("distances", [[0.0, 0.5], [0.0], [2.0, 2.0], [1e-30, 1.0], []])
def test_any_distances_are_drawn(
    distances_chart: Distances, changed: Callable[..., Any], distances: list[float]
) -> None:
    rows = [DistanceRow(f"r{k}", distance) for k, distance in enumerate(distances)]
    chart = dataclasses.replace(distances_chart, rows=rows)
    assert {row.name for row in rows} <= {*_texts(chart)}


def test_powers_of_ten_are_written_as_people_read_them() -> None:
    assert [power_of_ten(n) for n in (0, -1, -3, -4, -12)] == [
        *("1", "0.1", "0.001", "10⁻⁴", "10⁻¹²")
    ]
