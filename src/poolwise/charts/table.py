"""Rows of text and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from poolwise.charts.chart import Chart

Cell = str | float | None | Sequence[tuple[str, bool]]
"""A text, a number (None where undefined), or spans of text, each with whether it is bold."""


@dataclass(frozen=True, slots=True)
class TextTable(Chart):
    """``rows`` of one cell a column. Raises ValueError for a row shorter or longer than that."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                longer = "longer" if len(row) > len(self.columns) else "shorter"
                raise ValueError(
                    f"{self.title}: row {i} is {longer} than the {len(self.columns)} columns"
                )

    @property
    def data(self) -> dict[str, Any]:
        """``columns`` and ``rows``."""
        return {"columns": self.columns, "rows": self.rows}
