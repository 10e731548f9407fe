"""Rows of text and numbers, as a table of the page."""

from __future__ import annotations

from typing import Any

from poolwise.charts import TextTable
from poolwise.json_values import to_plain
from poolwise.records import Number
from poolwise.reports import number_format
from poolwise.reports.rendered_chart import RenderedChart, RenderedTable, TextSpan


def text_table(chart: TextTable) -> RenderedChart:
    """Columns that hold numbers alone are numeric."""
    header, rows = to_plain(chart.columns), to_plain(chart.rows)
    columns = [cells for _, *cells in zip(header, *rows, strict=True)]
    numeric = [bool(cells) and all(map(_is_number, cells)) for cells in columns]
    cells = [[_spans(cell) for cell in row] for row in rows]
    return RenderedChart([], table=RenderedTable(header, cells, numeric))


def _spans(cell: Any) -> list[TextSpan]:
    if isinstance(cell, list):
        return [TextSpan(text, bold) for text, bold in cell]
    return [TextSpan(number_format.value(Number("", cell)) if _is_number(cell) else cell)]


def _is_number(cell: Any) -> bool:
    return cell is None or isinstance(cell, int | float)
