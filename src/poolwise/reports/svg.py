"""A drawing as a picture of its own: title, key and panels in one SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import altair as alt
import vl_convert

from poolwise.reports.drawing import GAP, PAGE, Drawing, Key, Panel
from poolwise.reports.labels import lines
from poolwise.reports.theme import FONT, INK, PAPER, QUIET

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
ALONE = 680
"""Width of a picture that has one panel, in pixels, unless the panel needs more."""

EDGE = 20
TITLE, HEADING, KEY = 22, 22, 20
"""Heights of a line of the title, of a panel's heading, and of a line of the key."""

CHARACTER, SAMPLE = 6.3, 18
"""Widths of a character of the key and of a sample with its space, in pixels."""


def to_svg(drawing: Drawing, title: str) -> str:
    """The panels as on a wide page, under the title and the key."""
    alone = len(drawing.panels) == 1
    width = min(drawing.across, max(ALONE, drawing.least) if alone else PAGE)
    top = float(EDGE)
    parts = []
    for line in lines(title, int(width / 9)):
        top += TITLE
        parts.append(_text(EDGE, top - 6, escape(line), INK, size=16, weight=600))
    for marks in _broken(drawing.key, width):
        top += KEY
        parts += _marks(marks, top)
    grid, bottom = _grid(drawing, width, top + 16)
    size = f"{width + 2 * EDGE:.0f} {bottom + EDGE:.0f}"
    wide, high = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'version="1.1" width="{wide}" height="{high}" viewBox="0 0 {size}">'
        f'<rect width="{wide}" height="{high}" fill="{PAPER}"/>{"".join([*parts, *grid])}</svg>'
    )


def to_png(svg: str) -> bytes:
    """An SVG picture as PNG, two dots a pixel."""
    return vl_convert.svg_to_png(svg, scale=2)


def _grid(drawing: Drawing, width: float, top: float) -> tuple[list[str], float]:
    """The panels' elements and where the last ends."""
    columns = drawing.columns
    each = (width - GAP * (columns - 1)) / columns
    heading = HEADING if any(panel.title for panel in drawing.panels) else 0
    parts = []
    for first in range(0, len(drawing.panels), columns):
        bottom = top
        for k, panel in enumerate(drawing.panels[first : first + columns]):
            left = EDGE + k * (each + GAP)
            if panel.title:
                parts.append(_text(left, top + 14, escape(panel.title), INK, size=13, weight=600))
            svg, high = _panel(panel, each, first + k)
            parts.append(f'<g transform="translate({left:.1f},{top + heading:.1f})">{svg}</g>')
            bottom = max(bottom, top + heading + high)
        top = bottom + GAP * 0.7
    return parts, top - GAP * 0.7


def _panel(panel: Panel, width: float, number: int) -> tuple[str, float]:
    """A view as an SVG element of this width, and its height."""
    still = {
        **panel.spec,
        "width": width,
        "padding": 0,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
    svg = vl_convert.vegalite_to_svg(still, vl_version=VEGA_LITE)
    # Where a font is wider than the one measured with, words would be cut at the panel's edge.
    svg = svg.replace("<svg ", '<svg overflow="visible" ', 1)
    # Every view numbers its clips and gradients from zero.
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>panel{number}-", svg)
    size = re.search(r'\bheight="([\d.]+)"', svg)
    return svg, float(size[1]) if size else 0.0


def _broken(key: Sequence[Key], width: float) -> list[list[Key]]:
    """The key in lines that fit."""
    broken: list[list[Key]] = []
    room = 0.0
    for mark in key:
        if not broken or _width(mark) > room:
            broken.append([])
            room = width
        broken[-1].append(mark)
        room -= _width(mark)
    return broken


def _width(mark: Key) -> float:
    return CHARACTER * len(mark.text) + (SAMPLE if mark.sample else 0) + 26


def _marks(line: Sequence[Key], y: float) -> list[str]:
    """Samples and texts apart: a font that lacks a sample would be replaced for all of a text."""
    x = float(EDGE)
    parts = []
    for mark in line:
        if mark.sample:
            parts.append(_text(x, y, escape(mark.sample), mark.color, size=12.5))
        start = x + SAMPLE if mark.sample else x
        parts.append(_text(start, y, escape(mark.text), QUIET, size=12.5))
        x += _width(mark)
    return parts


def _text(x: float, y: float, inner: str, color: str, *, size: float, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-family="{escape(FONT)}" '
        f'font-size="{size}px" font-weight="{weight}">{inner}</text>'
    )
