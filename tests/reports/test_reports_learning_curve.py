from __future__ import annotations

import dataclasses
import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from poolwise.charts import LearningCurve, LearningPoint
from poolwise.cli.terminal import print_finding
from poolwise.records import Finding
from poolwise.reports.labels import GAP
from poolwise.reports.learning_curve import COLORS
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_svg
from poolwise.statistics.estimate import Estimate

NAMES = ["cls@-1", "pooler", "mean@-1", "max@-1", "token[3]@-1", "sep@-1", "cls@mix"]


def _chart(sizes, names, frozen=(False, True)) -> LearningCurve:
    rows = [(n, name, old) for old in frozen for name in names for n in sizes]
    value = [0.7 + 0.001 * k - 0.1 * old for k, (_, _, old) in enumerate(rows)]
    points = [
        LearningPoint(n, name, Estimate(x, x - 0.02, x + 0.02), old)
        for (n, name, old), x in zip(rows, value, strict=True)
    ]
    return LearningCurve(
        "Fine-tuned and frozen", points, x_label="rows of train", y_label="accuracy, test"
    )


def _elements(svg, tag):
    return [e for e in ET.fromstring(svg).iter() if e.tag.endswith("}" + tag)]


def _texts(svg):
    return ["".join(e.itertext()) for e in _elements(svg, "text")]


def _drawn(chart) -> str:
    return to_svg(render_chart(chart), chart.title)


def test_seven_names_stand_apart_in_seven_colours():
    svg = _drawn(_chart([100, 1000, 6000], NAMES))
    names = [e for e in _elements(svg, "text") if "".join(e.itertext()) in NAMES]
    heights = sorted(float(re.findall(r"[-\d.]+", e.attrib["transform"])[1]) for e in names)
    assert len(names) == 7
    assert min(b - a for a, b in itertools.pairwise(heights)) >= GAP - 1e-3
    assert len({e.attrib["fill"] for e in names}) == 7
    assert len(set(COLORS)) >= 7


def test_sizes_are_the_ticks_of_a_logarithmic_axis():
    chart = _chart([100, 1000, 10000], NAMES[:1])
    (panel,) = render_chart(chart).panels
    assert panel.spec["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
    svg = _drawn(chart)
    assert {"100", "1,000", "10,000", "rows of train", "accuracy, test"} <= set(_texts(svg))
    ticks = [e for e in _elements(svg, "text") if "".join(e.itertext()) in {"100", "1,000"}]
    assert len(ticks) == 2


def test_frozen_lines_are_dashed_thinner_and_of_the_same_colour():
    svg = _drawn(_chart([100, 1000], NAMES[:2]))
    paths = [e.attrib for e in _elements(svg, "path") if e.attrib.get("stroke") in COLORS]
    dashed = [p for p in paths if p.get("stroke-dasharray") == "4,4"]
    solid = [p for p in paths if p.get("stroke-width") == "2.2"]
    assert {p["stroke"] for p in dashed} == {p["stroke"] for p in solid} == {*COLORS[:2]}
    assert {p["stroke-width"] for p in dashed} == {"1.2"}


def test_what_is_not_frozen_anywhere_has_no_key_for_it():
    legend = render_chart(_chart([100, 1000], NAMES[:2], frozen=(False,))).legend
    assert [entry.text for entry in legend] == ["fine-tuned, with 95 % intervals"]


def test_one_size_is_a_row_a_readout_best_first_with_its_frozen_one_below():
    svg = _drawn(_chart([800], ["low", "high"]))
    texts = _texts(svg)
    assert texts.index("high") < texts.index("low")
    assert {"0.701", "0.700", "0.602", "0.603"} <= set(texts)
    assert "rows of train" not in texts


@pytest.mark.parametrize("sizes", [[100], [100, 1000]])
def test_none_is_a_gap(sizes):
    chart = _chart(sizes, ["a", "b"])
    gap = dataclasses.replace(chart.points[0], estimate=Estimate(None))
    assert "b" in _texts(_drawn(dataclasses.replace(chart, points=[gap, *chart.points[1:]])))


def test_equal_values_without_intervals_are_drawn():
    chart = _chart([100, 1000], ["a"])
    same = Estimate(0.5, 0.5, 0.5)
    points = [dataclasses.replace(point, estimate=same) for point in chart.points]
    assert "a" in _texts(_drawn(dataclasses.replace(chart, points=points)))


def test_the_terminal_shows_a_row_a_readout_with_its_frozen_probe(capsys):
    print_finding(
        Finding("tuned", "Which?", "This.", charts=[_chart([100, 1000], ["token[3]@-1"])])
    )
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    (head,) = [line for line in lines if "n = 1,000" in line]
    (tuned,) = [line for line in lines if "token[3]@-1" in line]
    (frozen,) = [line for line in lines if line.strip().startswith("frozen")]
    assert head.split() == ["n", "=", "100", "n", "=", "1,000"]
    assert tuned.split()[1:] == ["0.700", "0.701"]
    assert frozen.split()[1:] == ["0.602", "0.603"]
