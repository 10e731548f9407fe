"""A finding as an HTML fragment, for notebooks: no script, nothing from the network."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence

import jinja2

from poolwise.charts import TextTable
from poolwise.records import Answer, Finding
from poolwise.reports.page import Figure, figure_of, page_environment
from poolwise.reports.printable import printable
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import to_svg


def finding_html(finding: Finding) -> str:
    """Question, verdict, evidence, charts, key numbers and notes as one ``<div>`` with its style.

    Charts are SVG images, text tables are HTML tables. Raises PoolwiseError for a chart of a kind
    that has no renderer.
    """
    finding = printable(finding)
    figures = [figure_of(chart) for chart in finding.charts]
    return _template("fragment.html").render(finding=finding, figures=figures, svg_url=_svg_url)


def summary_html(
    lead: str,
    tables: Sequence[TextTable],
    findings: Sequence[Finding],
    *,
    answer: Answer | None = None,
) -> str:
    """The answer, else a sentence; tables; each finding folded under its question and verdict.

    One ``<div>`` with its style; raises as ``finding_html`` does.
    """
    return _template("summary.html").render(
        lead=printable(lead),
        answer=printable(answer),
        tables=[(printable(table.title), render_chart(printable(table)).table) for table in tables],
        findings=[(printable(finding), finding_html(finding)) for finding in findings],
    )


def _svg_url(figure: Figure) -> str:
    """As an image of its own an SVG runs no script, and its ids clash with no other's."""
    svg = to_svg(figure.rendered, figure.chart.title).encode("utf-8", "backslashreplace")
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


@functools.cache
def _template(name: str) -> jinja2.Template:
    return page_environment().get_template(name)
