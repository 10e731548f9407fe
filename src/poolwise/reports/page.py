"""The page: one HTML file that holds its charts, their data and the code that draws them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import vl_convert

from poolwise.json_values import to_plain
from poolwise.records import Chart, Finding, Number
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import Drawing
from poolwise.reports.svg import VEGA_LITE
from poolwise.reports.templates import templates

HALF = 480
"""Least width in pixels of half the page."""

KEY_MEASURED, KEY_CONTROLS = 8, 4
"""How many numbers of a finding stand in the open; the rest is behind "All numbers"."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, drawn, with the name its picture files bear."""

    name: str
    chart: Chart
    drawing: Drawing


def render(findings: Sequence[tuple[Finding, Sequence[Figure]]], title: str) -> str:
    """The whole page as HTML. It asks the network for nothing, and its policy forbids it to."""
    return (
        _environment()
        .get_template("report.html")
        .render(title=title, findings=findings, drawing=_drawing_code())
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templates("page")
    environment.filters |= {
        "value": digits.value,
        "interval": digits.interval,
        "place": digits.place,
        "written": _written,
    }
    environment.globals |= {
        "places": digits.places,
        "key_numbers": key_numbers,
        "halves": halves,
        "facts": facts,
    }
    return environment


@functools.cache
def _drawing_code() -> str:
    """Vega-Embed with Vega and Vega-Lite, as vl-convert carries them; about 0.9 MB."""
    code = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    # Within JavaScript's strings the escape reads the same; unescaped it would end the element.
    return code.replace("</script", "<\\/script")


def halves(figures: Sequence[Figure]) -> list[bool]:
    """Which figures share a row of the page: pairs of neighbours whose one panel can be small.

    The first figure never does.
    """
    small = [len(f.drawing.panels) == 1 and f.drawing.least <= HALF for f in figures]
    half = [False] * len(figures)
    for k in range(2, len(figures)):
        if small[k - 1] and small[k] and not half[k - 1]:
            half[k - 1] = half[k] = True
    return half


def facts(findings: Sequence[tuple[Finding, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What all findings say alike of how they were made, and what each says beyond that."""
    made = [dict(finding.provenance) for finding, _ in findings]
    shared = {
        key: fact
        for key, fact in (made[0] if made else {}).items()
        if all(key in other and to_plain(other[key]) == to_plain(fact) for other in made)
    }
    return shared, [{key: fact for key, fact in own.items() if key not in shared} for own in made]


def key_numbers(all_numbers: Sequence[Number]) -> tuple[list[Number], list[Number]]:
    """The first numbers measured and the first controls: a study names its most telling first."""
    measured = [number for number in all_numbers if not number.control]
    controls = [number for number in all_numbers if number.control]
    return measured[:KEY_MEASURED], controls[:KEY_CONTROLS]


def _written(value: Any) -> str:
    """A fact of provenance in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_written(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_written(item) for item in value)
    return digits.NONE if value is None else str(value)
