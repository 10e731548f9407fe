"""What a chart is rendered as: panels of Vega-Lite with a legend, or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAGE_WIDTH = 1040
"""Width of a figure on a wide page, in pixels."""

GAP = 32
"""Space between two panels, in pixels."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One Vega-Lite view, as wide as its container; ``title`` may be empty."""

    title: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """What a mark means: ``symbol``, in ``color``, stands before ``text``."""

    symbol: str
    color: str
    text: str


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A stretch of a table cell's text; ``bold`` stretches stand out."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class RenderedTable:
    """The names of the columns, and rows of cells; ``numeric`` columns are aligned right."""

    header: Sequence[str]
    rows: Sequence[Sequence[Sequence[TextSpan]]]
    numeric: Sequence[bool]


@dataclass(frozen=True, slots=True)
class RenderedChart:
    """Panels side by side where each has ``min_width`` pixels, below one another where not.

    A panel uses at most ``max_width`` pixels. A ``table`` has no panels and no SVG.
    """

    panels: Sequence[Panel]
    legend: Sequence[LegendEntry] = ()
    min_width: int = 300
    max_width: int = PAGE_WIDTH
    table: RenderedTable | None = None

    @property
    def width(self) -> int:
        """Pixels that all panels use side by side."""
        n = max(1, len(self.panels))
        return min(PAGE_WIDTH, n * self.max_width + (n - 1) * GAP)

    @property
    def columns(self) -> int:
        """Panels side by side on a wide page."""
        return max(1, min(len(self.panels), (self.width + GAP) // (self.min_width + GAP)))
