"""The theme of every chart: colours, fonts and axes, as one Vega-Lite ``config``."""

from __future__ import annotations

from typing import Any

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
INK = "#1b2230"
QUIET = "#5d6675"
FAINT = "#8a92a0"
RULE = "#e3e6eb"
PAPER = "#ffffff"
CONTROL = "#6b7280"
ACCENT = "#d3380d"

# Lightness falls in equal steps of Oklab from near white to navy, so that equal ratios of
# counts appear equally far apart.
DENSITY = ["#e4f3f9", "#b7daed", "#8bc1e3", "#66a5d7", "#4989c7", "#376cb1", "#2e5194", "#273871"]

# At least 4.6 : 1 against white, and at least 0.11 apart in Oklab for normal sight as well as
# for protanopia, deuteranopia and tritanopia (matrices of Machado et al. 2009).
SERIES = ["#14359b", "#b35a10", "#2f7f75", "#9558d0", "#411d44", "#694413"]

# Behind lines: light enough for each colour of SERIES to stand out, apart from each other.
BANDS = ["#dfe2e7", "#c3c8d0", "#eef0f3"]

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
    "axisX": {"grid": False, "titlePadding": 10, "domain": True, "domainColor": "#b9c0ca"},
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
