"""What a chart becomes: panels of Vega-Lite with a key that explains their marks, or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAGE = 1040
"""Room for a figure on a wide page, in pixels."""

GAP = 32
"""Between two panels, in pixels."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One Vega-Lite view. Its width is its place's; ``title`` may be empty."""

    title: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """What a mark means: ``sample`` stands before ``text``, in ``color``."""

    sample: str
    color: str
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a table's cell; it may stand out from the rest."""

    text: str
    stands_out: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and rows of cells; ``numeric`` columns are set to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[Sequence[Piece]]]
    numeric: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Panels side by side where each finds ``least`` pixels, under one another where not.

    ``most`` pixels are all that a panel makes use of. A ``table`` has no panels and no picture.
    """

    panels: Sequence[Panel]
    key: Sequence[Key] = ()
    least: int = 300
    most: int = PAGE
    table: Table | None = None

    @property
    def across(self) -> int:
        """Pixels that all panels make use of when they stand side by side."""
        n = max(1, len(self.panels))
        return min(PAGE, n * self.most + (n - 1) * GAP)

    @property
    def columns(self) -> int:
        """Panels side by side on a wide page."""
        return max(1, min(len(self.panels), (self.across + GAP) // (self.least + GAP)))
