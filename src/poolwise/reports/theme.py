"""The theme of every chart: colours, fonts and axes, as one Vega-Lite ``config``."""

from __future__ import annotations

from typing import Any

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
INK = "#1b2230"
QUIET = "#5d6675"
FAINT = "#8a92a0"
RULE = "#e3e6eb"
EDGE = "#b9c0ca"
PAPER = "#ffffff"
BLACK = "#000000"
CONTROL = "#6b7280"
ACCENT = "#d3380d"

# Lightness falls in equal steps of Oklab from near white to navy, so that equal ratios of
# counts appear equally far apart.
DENSITY = ["#e4f3f9", "#b7daed", "#8bc1e3", "#66a5d7", "#4989c7", "#376cb1", "#2e5194", "#273871"]

_DARK_DENSITY = [
    "#1b2532",
    "#1c2f48",
    "#203b5e",
    "#254976",
    "#2b5a90",
    "#5c9bd3",
    "#94c5ea",
    "#d3eaf8",
]

# At least 4.6 : 1 against white, and at least 0.11 apart in Oklab for normal sight as well as
# for protanopia, deuteranopia and tritanopia (matrices of Machado et al. 2009).
SERIES = ["#14359b", "#b35a10", "#2f7f75", "#9558d0", "#411d44", "#694413"]

# Behind lines: light enough for each colour of SERIES to stand out, apart from each other.
BANDS = ["#dfe2e7", "#c3c8d0", "#eef0f3"]

# Each colour on a dark page, under the same conditions; what is light there is dark here.
DARK = {
    INK: "#e6e9ef",
    QUIET: "#a0a8b5",
    FAINT: "#7d8695",
    RULE: "#2a313c",
    EDGE: "#4a5361",
    PAPER: "#12161d",
    BLACK: "#eef2f8",
    CONTROL: "#98a1ae",
    ACCENT: "#ff8a5c",
    **dict(
        zip(SERIES, ["#8fb0ff", "#f5b06e", "#388e97", "#a072ff", "#f7dff8", "#ac7c2d"], strict=True)
    ),
    **dict(zip(BANDS, ["#2b323d", "#444d5a", "#1e242d"], strict=True)),
    **dict(zip(DENSITY, _DARK_DENSITY, strict=True)),
}

HEIGHT = 340
"""Height of a plot, in pixels; its width is that of the page."""

LINE = 16
"""Height of a line of text in a chart, in pixels."""

CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": PAPER,
    "view": {"stroke": None},
    # Vega-Lite would paste axis titles, unescaped, into an expression that describes each mark to
    # screen readers; the chart has a description as a whole, and its numbers are in tables.
    "mark": {"aria": False},
    "axis": {
        "labelColor": QUIET,
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": INK,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
        "titleLineHeight": LINE,
        "gridColor": RULE,
        "domain": False,
        "ticks": False,
    },
    "axisX": {"grid": False, "titlePadding": 10, "domain": True, "domainColor": EDGE},
    # The title is horizontal, above the axis.
    "axisY": {
        "titleAngle": 0,
        "titleAlign": "left",
        "titleBaseline": "bottom",
        "titleX": -28,
        "tickCount": 6,
    },
    "legend": {
        "labelColor": QUIET,
        "labelFontSize": 11.5,
        "titleColor": QUIET,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "color": INK,
        "fontSize": 16,
        "fontWeight": 600,
        "offset": 18,
    },
    "text": {"fontSize": 12.5, "color": INK, "lineHeight": LINE},
}
