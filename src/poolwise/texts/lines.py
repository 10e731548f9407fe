"""Plain text: one line, one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.texts.columns import Table
from poolwise.texts.files import TextFile


def read_lines(file: TextFile) -> Table:
    """Every line, empty ones too, without its line end (LF or CRLF): one column."""

    def rows(names: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        for number, line in enumerate(file.lines(), 1):
            yield number, (line.removesuffix("\n").removesuffix("\r"),)

    return Table(file.label, ("line",), rows)
