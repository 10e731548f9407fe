"""Rows of text and numbers, as a table of the page."""

from __future__ import annotations

from typing import Any

from poolwise.json_values import to_plain
from poolwise.records import Chart, Number
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import Drawing, Piece, Table


def table(chart: Chart) -> Drawing:
    """A row each of ``rows`` under the names of ``columns``.

    A cell is a text, a number (None is one that there is not), or a text in pieces: pairs of text
    and whether it stands out.
    """
    head, rows = to_plain(chart.data["columns"]), to_plain(chart.data["rows"])
    columns = [column for _, *column in zip(head, *rows, strict=True)]
    numeric = [bool(column) and all(map(_is_number, column)) for column in columns]
    cells = [[_pieces(cell) for cell in row] for row in rows]
    return Drawing([], table=Table(head, cells, numeric))


def _pieces(cell: Any) -> list[Piece]:
    if isinstance(cell, list):
        return [Piece(text, stands_out) for text, stands_out in cell]
    return [Piece(digits.value(Number("", cell)) if _is_number(cell) else cell)]


def _is_number(cell: Any) -> bool:
    return cell is None or isinstance(cell, int | float)
