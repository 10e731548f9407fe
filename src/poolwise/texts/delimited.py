"""CSV and TSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.dialects import Record, find_dialect, split_records
from poolwise.texts.files import TextFile

IsHeader = Callable[[Sequence[str], str], bool]
"""Shown the fields of the first row, and ``csv`` or ``tsv``."""


def read_csv(file: TextFile) -> Table:
    """A CSV file with a header; fields are text."""
    return delimited(file.label, file.lines(any_end=True), "csv", max_bytes=file.max_bytes)


def read_tsv(file: TextFile) -> Table:
    """A TSV file with a header; fields are text."""
    return delimited(file.label, file.lines(any_end=True), "tsv", max_bytes=file.max_bytes)


def delimited(
    label: str,
    lines: Iterable[str],
    file_format: str,
    is_header: IsHeader = lambda fields, _: bool(fields),
    *,
    max_bytes: int,
) -> Table:
    """The table in these lines of a file that is called ``csv`` or ``tsv``.

    What delimits the fields of a ``.csv`` is found out. A row's number is that of its first line;
    it may have ``max_bytes`` bytes.
    """
    dialect, before, lines = find_dialect(label, lines, file_format, max_bytes)
    records = split_records(label, lines, dialect, max_bytes, before)
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    usual = file_format == "tsv" or dialect.delimiter == ","
    note = "" if usual else f"its fields are {dialect.delimited_by}"
    _, names = first
    if is_header(names, dialect.format):
        return Table(label, names, lambda asked: _named(label, names, records, asked), note=note)
    rows = chain([first], records)
    numbers = [str(place) for place in range(1, len(names) + 1)]
    return Table(
        label,
        numbers,
        lambda asked: _numbered(label, len(numbers), rows, asked),
        headed=False,
        note=note,
    )


def _named(
    label: str, header: list[str], records: Iterator[Record], asked: Sequence[str]
) -> Iterator[Record]:
    places = [header.index(column) for column in asked]
    advice = ", or call the file .txt if each line is a text" if len(header) == 1 else ""
    for line, record in records:
        if len(record) != len(header):
            raise TextError(
                f"{label}, line {line}: found {_fields(len(record))}, expected the header's "
                f"{len(header)}; a text with the delimiter in it must be quoted{advice}"
            )
        yield line, [record[place] for place in places]


def _numbered(
    label: str, width: int, records: Iterator[Record], asked: Sequence[str]
) -> Iterator[Record]:
    """Where fields are left out, lines may differ in their number (STS Benchmark's do)."""
    places = [int(number) - 1 for number in asked]
    exact = len(asked) == width
    least = width if exact else max(places) + 1
    for line, record in records:
        if len(record) < least or (exact and len(record) > width):
            expected = f"{width} as in the first line" if exact else f"at least {least}"
            raise TextError(
                f"{label}, line {line}: found {_fields(len(record))}, expected {expected}"
            )
        yield line, [record[place] for place in places]


def _fields(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"
