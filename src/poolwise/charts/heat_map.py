"""Values in cells, rows by columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from poolwise.charts.chart import Chart, IntervalEstimate, interval_columns, optional_column


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell. ``row``: a layer's index, or a name. ``tied``: it cannot be told from the best.

    Cells of the same ``panel`` make one map; None where the chart is one map without a name.
    """

    row: int | str
    column: str
    estimate: IntervalEstimate
    best: bool = False
    tied: bool = False
    panel: str | None = None


@dataclass(frozen=True, slots=True)
class HeatMap(Chart):
    """One map a panel, over the same rows and columns.

    ``y_label`` says what rows are, ``x_label`` what columns are, ``value_label`` what is measured:
    shares and correlations, which are written a hundredfold. ``smallest_difference`` of two values
    is the smallest that these data can show; None where it is not known.
    """

    kind: ClassVar[str] = "heat"
    cells: Sequence[HeatCell]
    x_label: str = field(kw_only=True)
    y_label: str = field(kw_only=True)
    value_label: str = field(kw_only=True)
    smallest_difference: float | None = field(default=None, kw_only=True)

    @property
    def data(self) -> dict[str, Any]:
        """Columns ``layer`` (the row), ``pool`` (the column), ``value, low, high, best, tied``, and
        ``panel`` where cells have one; ``smallest_difference`` where it is known."""
        smallest = self.smallest_difference
        return {
            "x_label": self.x_label,
            "y_label": self.y_label,
            "value_label": self.value_label,
            **({} if smallest is None else {"smallest_difference": smallest}),
            **optional_column("panel", [cell.panel for cell in self.cells]),
            "layer": [cell.row for cell in self.cells],
            "pool": [cell.column for cell in self.cells],
            **interval_columns(cell.estimate for cell in self.cells),
            "best": [cell.best for cell in self.cells],
            "tied": [cell.tied for cell in self.cells],
        }
