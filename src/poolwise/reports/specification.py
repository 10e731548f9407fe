"""A chart as one Vega-Lite specification, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poolwise.charts import Chart
from poolwise.reports.labels import lines
from poolwise.reports.printable import printable
from poolwise.reports.rendered_chart import GAP, LegendEntry, RenderedChart
from poolwise.reports.rendering import render_chart
from poolwise.reports.svg import LEGEND, SYMBOL, image_width, legend_lines
from poolwise.reports.theme import CONFIG, QUIET

SCHEMA_URL = "https://vega.github.io/schema/vega-lite/v5.json"
MIME_TYPE = "application/vnd.vegalite.v5+json"
"""The newest that JupyterLab and VS Code draw by themselves; no view needs a newer one."""

_TOP_LEVEL = ("$schema", "config", "padding", "description", "datasets")
"""Keys that only a specification's outermost view may have."""


def vega_lite(chart: Chart) -> dict[str, Any] | None:
    """The chart with its title, legend and caption, as wide as its SVG; None for a table.

    Raises PoolwiseError for a kind that has no renderer.
    """
    chart = printable(chart)
    rendered = render_chart(chart)
    if not rendered.panels:
        return None
    width = image_width(rendered)
    views = [_panels(rendered, width)]
    if rendered.legend:
        views.insert(0, _legend(rendered.legend, width))
    return {
        "$schema": SCHEMA_URL,
        "title": {"text": lines(chart.title, int(width / 9))},
        "description": f"{chart.title} {chart.caption}".strip(),
        "vconcat": views,
        "spacing": 16,
        "datasets": {
            name: rows
            for panel in rendered.panels
            for name, rows in panel.spec.get("datasets", {}).items()
        },
        "config": CONFIG,
    }


def _panels(chart: RenderedChart, width: float) -> dict[str, Any]:
    columns = chart.columns
    panel_width = (width - GAP * (columns - 1)) / columns
    return {
        "concat": [
            {
                **{key: value for key, value in panel.spec.items() if key not in _TOP_LEVEL},
                "width": panel_width,
                **({"title": {"text": panel.title, "fontSize": 13}} if panel.title else {}),
            }
            for panel in chart.panels
        ],
        "columns": columns,
        "spacing": GAP,
    }


def _legend(entries: Sequence[LegendEntry], width: float) -> dict[str, Any]:
    """Symbols, each in its colour, and texts at the places they have in the SVG."""
    legend = legend_lines(entries, width)
    rows = []
    for i, line in enumerate(legend):
        y = LEGEND * (i + 0.5)
        for x, entry in line:
            text_x = x
            if entry.symbol:
                rows.append({"x": x, "y": y, "text": entry.symbol, "color": entry.color})
                text_x += SYMBOL
            rows.append({"x": text_x, "y": y, "text": entry.text, "color": QUIET})
    return {
        "width": width,
        "height": LEGEND * len(legend),
        "data": {"values": rows},
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "fontSize": 12.5,
            "color": {"expr": "datum.color"},
        },
        "encoding": {
            "x": {"value": {"expr": "datum.x"}},
            "y": {"value": {"expr": "datum.y"}},
            "text": {"field": "text"},
        },
    }
