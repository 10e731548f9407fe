"""The page: one HTML file that holds its charts, their data and the code that draws them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import vl_convert

from poolwise.charts import Chart
from poolwise.records import Answer, Finding
from poolwise.reports import number_format
from poolwise.reports.facts import fact, head_facts, split_facts, split_notes
from poolwise.reports.key_numbers import key_tables, kind
from poolwise.reports.rendered_chart import RenderedChart
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import VEGA_LITE_VERSION
from poolwise.reports.templates import templates
from poolwise.reports.theme import DARK

HALF = 480
"""Width of half a wide page, in pixels."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its rendering; ``name`` is that of its image files."""

    name: str
    chart: Chart
    rendered: RenderedChart


def figure_of(chart: Chart) -> Figure:
    """The chart as a figure that has no image file."""
    return Figure("", chart, render_chart(chart))


@dataclass(frozen=True, slots=True)
class Section:
    """A finding with its figures, and what no other finding says of how it was made."""

    finding: Finding
    figures: Sequence[Figure]
    facts: Mapping[str, Any]
    notes: Sequence[str]


def render_page(
    findings: Sequence[tuple[Finding, Sequence[Figure]]], title: str, answer: Answer | None = None
) -> str:
    """The whole page as HTML. It asks the network for nothing, and its policy forbids it to."""
    all_findings = [finding for finding, _ in findings]
    shared_facts, own_facts = split_facts(all_findings)
    shared_notes, own_notes = split_notes(all_findings)
    sections = [Section(*findings[i], own_facts[i], own_notes[i]) for i in range(len(findings))]
    return (
        page_environment()
        .get_template("report.html")
        .render(
            title=title,
            answer=answer,
            answer_figures=[] if answer is None else list(map(figure_of, answer.charts)),
            sections=sections,
            folded=answer is not None or len(findings) > 1,
            head_facts=head_facts(all_findings),
            shared_facts=shared_facts,
            shared_notes=shared_notes,
            colors=DARK,
            vega_code=_vega_code(),
        )
    )


@functools.cache
def page_environment() -> jinja2.Environment:
    """The page's templates with their filters."""
    environment = templates("page")
    environment.filters |= {
        "value": number_format.value,
        "interval": number_format.interval,
        "location": number_format.location,
        "fact": fact,
        "kind": kind,
    }
    environment.globals |= {
        "location_keys": number_format.location_keys,
        "key_tables": key_tables,
        "halves": halves,
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
