"""Paired differences, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns, optional_column


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference. ``clear``: it is not zero, once corrected for all comparisons.

    Rows of the same ``group`` follow each other under its heading; None in a plot without headings.
    """

    name: str
    estimate: IntervalEstimate
    control: bool = False
    clear: bool = False
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ForestPlot(Chart):
    """Differences in the order of the rows, all in the unit of ``x_label``.

    ``reference`` names what they are compared with: it stands at zero.
    """

    kind: ClassVar[str] = "forest"
    rows: Sequence[ForestRow]
    x_label: str = field(kw_only=True)
    reference: str = field(kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``name, value, low, high, control, clear``, and ``group`` under headings."""
        return {
            "x_label": self.x_label,
            "reference": self.reference,
            "name": [row.name for row in self.rows],
            **interval_columns(row.estimate for row in self.rows),
            "control": [row.control for row in self.rows],
            "clear": [row.clear for row in self.rows],
            **optional_column("group", [row.group for row in self.rows]),
        }
