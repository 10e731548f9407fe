"""A chart as an image: title, legend and panels in one SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert

from poolwise.reports.labels import lines
from poolwise.reports.rendered_chart import GAP, PAGE_WIDTH, LegendEntry, Panel, RenderedChart
from poolwise.reports.theme import FONT, INK, PAPER, QUIET

VEGA_LITE_VERSION = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
SINGLE_WIDTH = 680
"""Width of an image of one panel, in pixels, unless the panel needs more."""

MARGIN = 20
TITLE, HEADING, LEGEND = 22, 22, 20
"""Heights of a line of the title, of a panel's heading, and of a line of the legend."""

CHARACTER, SYMBOL = 6.3, 18
"""Widths of a character of the legend and of a symbol with its space, in pixels."""

WIDE = 0.56
"""Mean width of a character in the widest of usual fonts (DejaVu Sans), in heights of the font."""


def to_svg(chart: RenderedChart, title: str) -> str:
    """The panels as on a wide page, below the title and the legend."""
    width = image_width(chart)
    top = float(MARGIN)
    elements = []
    for line in lines(title, int(width / 9)):
        top += TITLE
        elements.append(_text(MARGIN, top - 6, escape(line), INK, size=16, weight=600))
    for entries in legend_lines(chart.legend, width):
        top += LEGEND
        elements += _legend(entries, top)
    grid, bottom = _grid(chart, width, top + 16)
    right = max([width + MARGIN, *map(_text_end, grid)])
    size = f"{right + MARGIN:.0f} {bottom + MARGIN:.0f}"
    full_width, full_height = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'version="1.1" width="{full_width}" height="{full_height}" viewBox="0 0 {size}">'
        f'<rect width="{full_width}" height="{full_height}" fill="{PAPER}"/>'
        f"{''.join([*elements, *grid])}</svg>"
    )


def to_png(svg: str) -> bytes:
    """An SVG image as PNG, two dots a pixel."""
    return vl_convert.svg_to_png(svg, scale=2)


def _grid(chart: RenderedChart, width: float, top: float) -> tuple[list[str], float]:
    """The panels' elements, and the bottom of the last."""
    columns = chart.columns
    panel_width = (width - GAP * (columns - 1)) / columns
    heading = HEADING if any(panel.title for panel in chart.panels) else 0
    elements = []
    for first in range(0, len(chart.panels), columns):
        bottom = top
        for k, panel in enumerate(chart.panels[first : first + columns]):
            left = MARGIN + k * (panel_width + GAP)
            if panel.title:
                elements.append(
                    _text(left, top + 14, escape(panel.title), INK, size=13, weight=600)
                )
            svg, height = _panel(panel, panel_width, first + k)
            elements.append(f'<g transform="translate({left:.1f},{top + heading:.1f})">{svg}</g>')
            bottom = max(bottom, top + heading + height)
        top = bottom + GAP * 0.7
    return elements, top - GAP * 0.7


def _panel(panel: Panel, width: float, number: int) -> tuple[str, float]:
    """A view as an SVG element of this width, and its height."""
    spec = {
        **panel.spec,
        "width": width,
        "padding": 0,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE_VERSION)
    # Where a font is wider than the one measured with, words would be cut at the panel's edge.
    svg = svg.replace("<svg ", '<svg overflow="visible" ', 1)
    # Every view numbers its clips and gradients from zero.
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>panel{number}-", svg)
    size = re.search(r'\bheight="([\d.]+)"', svg)
    return svg, float(size[1]) if size else 0.0


def _text_end(svg: str) -> float:
    """Where the text that reaches farthest to the right ends, should the font be a wide one."""

    def end(element: ET.Element, x: float) -> float:
        moved = re.match(r"translate\(([-\d.]+)", element.get("transform", ""))
        x += float(moved[1]) if moved else 0.0
        ends = [end(child, x) for child in element]
        if element.tag.endswith("text") and element.get("text-anchor", "start") == "start":
            size = float((element.get("font-size") or "0").removesuffix("px"))
            ends.append(x + float(element.get("x", 0)) + WIDE * size * len(element.text or ""))
        return max(ends, default=0.0)

    return end(ET.fromstring(svg), 0.0)


def image_width(chart: RenderedChart) -> float:
    """The width of all panels in an image, in pixels."""
    single = len(chart.panels) == 1
    return min(chart.width, max(SINGLE_WIDTH, chart.min_width) if single else PAGE_WIDTH)


def legend_lines(
    entries: Sequence[LegendEntry], width: float
) -> list[list[tuple[float, LegendEntry]]]:
    """The legend in lines that fit into ``width``: each entry with its x in its line."""
    rows: list[list[tuple[float, LegendEntry]]] = []
    x = 0.0
    for entry in entries:
        entry_width = CHARACTER * len(entry.text) + (SYMBOL if entry.symbol else 0) + 26
        if not rows or x + entry_width > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, entry))
        x += entry_width
    return rows


def _legend(line: Sequence[tuple[float, LegendEntry]], y: float) -> list[str]:
    """Symbols and texts apart: a font that lacks a symbol would be replaced for all of a text."""
    elements = []
    for x, entry in line:
        left = MARGIN + x
        if entry.symbol:
            elements.append(_text(left, y, escape(entry.symbol), entry.color, size=12.5))
            left += SYMBOL
        elements.append(_text(left, y, escape(entry.text), QUIET, size=12.5))
    return elements


def _text(x: float, y: float, inner: str, color: str, *, size: float, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-family="{escape(FONT)}" '
        f'font-size="{size}px" font-weight="{weight}">{inner}</text>'
    )
