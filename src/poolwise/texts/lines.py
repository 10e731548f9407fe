"""Plain text: one line, one row."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row
from poolwise.texts.files import TextFile


def read_lines(file: TextFile, columns: Columns) -> Iterator[Row]:
    """Every line, empty ones too, without its line end (LF or CRLF)."""
    if columns.text is not None or columns.id is not None:
        raise TextError(
            f"{file.label} is read as plain lines, which have no columns; "
            "leave the column out or say --format csv, tsv or jsonl"
        )
    for line in file.lines():
        yield line.removesuffix("\n").removesuffix("\r"), None
