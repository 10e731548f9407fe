"""Plain text: one line, one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from poolwise.texts.bad_values import BadValue, decoded
from poolwise.texts.columns import Table
from poolwise.texts.decoding import whole_lines
from poolwise.texts.files import TextFile


def read_lines(file: TextFile, *, lenient: bool = False) -> Table:
    """Every line, empty ones too, without its line end (LF or CRLF): one column."""

    def rows(names: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        for number, line in enumerate(file.lines(), 1):
            yield number, (line.removesuffix("\n").removesuffix("\r"),)

    def lines() -> Iterator[str | BadValue]:
        return whole_lines(file.lines(lenient=True), file.max_bytes)

    def rows_from(names: Sequence[str], first: int) -> Iterator[tuple[int, Sequence[object]]]:
        for number, line in enumerate(islice(lines(), first, None), first + 1):
            if isinstance(line, BadValue):
                yield number, (line,)
            else:
                text = line.removesuffix("\n").removesuffix("\r")
                yield number, (decoded(text, file.encoding),)

    if not lenient:
        return Table(file.label, ("line",), rows)
    return Table(
        file.label,
        ("line",),
        lambda names: rows_from(names, 0),
        rows_from=rows_from,
        row_count=lambda: sum(1 for _ in lines()),
    )
