"""The page: one HTML file that holds its charts, their data and the code that draws them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import vl_convert

from poolwise.charts import Chart
from poolwise.json_values import to_plain
from poolwise.records import Finding, Number
from poolwise.reports import number_format
from poolwise.reports.rendered_chart import RenderedChart
from poolwise.reports.svg import VEGA_LITE_VERSION
from poolwise.reports.templates import templates

HALF = 480
"""Width of half a wide page, in pixels."""

KEY_MEASURED, KEY_CONTROLS = 8, 4
"""Numbers of a finding that are always visible; all are behind "All numbers"."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its rendering; ``name`` is that of its image files."""

    name: str
    chart: Chart
    rendered: RenderedChart


def render_page(findings: Sequence[tuple[Finding, Sequence[Figure]]], title: str) -> str:
    """The whole page as HTML. It asks the network for nothing, and its policy forbids it to."""
    return (
        page_environment()
        .get_template("report.html")
        .render(title=title, findings=findings, vega_code=_vega_code())
    )


@functools.cache
def page_environment() -> jinja2.Environment:
    """The page's templates with their filters."""
    environment = templates("page")
    environment.filters |= {
        "value": number_format.value,
        "interval": number_format.interval,
        "location": number_format.location,
        "fact": _fact,
    }
    environment.globals |= {
        "location_keys": number_format.location_keys,
        "key_numbers": key_numbers,
        "halves": halves,
        "facts": facts,
    }
    return environment


@functools.cache
def _vega_code() -> str:
    """Vega-Embed with Vega and Vega-Lite, as vl-convert carries them; about 0.9 MB."""
    code = vl_convert.javascript_bundle(
        "window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE_VERSION
    )
    # The escape means the same in a JavaScript string; unescaped it would end the element.
    return code.replace("</script", "<\\/script")


def halves(figures: Sequence[Figure]) -> list[bool]:
    """Which figures share a row of the page: pairs of neighbours with one small panel each.

    The first figure never does.
    """
    small = [len(f.rendered.panels) == 1 and f.rendered.min_width <= HALF for f in figures]
    half = [False] * len(figures)
    for k in range(2, len(figures)):
        if small[k - 1] and small[k] and not half[k - 1]:
            half[k - 1] = half[k] = True
    return half


def facts(findings: Sequence[tuple[Finding, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The provenance that all findings share, and what each has beside it."""
    all_facts = [dict(finding.provenance) for finding, _ in findings]
    shared = {
        key: fact
        for key, fact in (all_facts[0] if all_facts else {}).items()
        if all(key in other and to_plain(other[key]) == to_plain(fact) for other in all_facts)
    }
    own_facts = [
        {key: fact for key, fact in facts.items() if key not in shared} for facts in all_facts
    ]
    return shared, own_facts


def key_numbers(all_numbers: Sequence[Number]) -> tuple[list[Number], list[Number]]:
    """The first numbers measured and the first controls: a study names its most telling first."""
    measured = [number for number in all_numbers if not number.control]
    controls = [number for number in all_numbers if number.control]
    return measured[:KEY_MEASURED], controls[:KEY_CONTROLS]


def _fact(value: Any) -> str:
    """A value of the provenance in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_fact(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_fact(item) for item in value)
    return number_format.NONE if value is None else str(value)
