"""CSV and TSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.dialects import Record, find_dialect, split_records
from poolwise.texts.files import TextFile

IsHeader = Callable[[Sequence[str], str], bool]
"""Is the first row a header? Called with its fields, and ``csv`` or ``tsv``."""


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

    The delimiter of a ``.csv`` is detected. A row's number is that of its first line; it may have
    ``max_bytes`` bytes.
    """
    dialect, before, lines = find_dialect(label, lines, file_format, max_bytes)
    records = split_records(label, lines, dialect, max_bytes, before)
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    expected_delimiter = file_format == "tsv" or dialect.delimiter == ","
    note = "" if expected_delimiter else f"its fields are {dialect.delimited_by}"
    _, names = first
    if is_header(names, dialect.format):
        return Table(
            label, names, lambda columns: _header_rows(label, names, records, columns), note=note
        )
    rows = chain([first], records)
    numbers = [str(place) for place in range(1, len(names) + 1)]
    return Table(
        label,
        numbers,
        lambda columns: _numbered_rows(label, len(numbers), rows, columns),
        headed=False,
        note=note,
    )


def _header_rows(
    label: str, header: list[str], records: Iterator[Record], columns: Sequence[str]
) -> Iterator[Record]:
    places = [header.index(column) for column in columns]
    advice = ", or call the file .txt if each line is a text" if len(header) == 1 else ""
    for line, record in records:
        if len(record) != len(header):
            raise TextError(
                f"{label}, line {line}: found {_fields(len(record))}, expected the header's "
                f"{len(header)}; a text with the delimiter in it must be quoted{advice}"
            )
        yield line, [record[place] for place in places]


def _numbered_rows(
    label: str, width: int, records: Iterator[Record], columns: Sequence[str]
) -> Iterator[Record]:
    """Lines may differ in their number of fields (STS Benchmark's do) unless all are read."""
    places = [int(number) - 1 for number in columns]
    exact = len(columns) == width
    min_fields = width if exact else max(places) + 1
    for line, record in records:
        if len(record) < min_fields or (exact and len(record) > width):
            expected = f"{width} as in the first line" if exact else f"at least {min_fields}"
            raise TextError(
                f"{label}, line {line}: found {_fields(len(record))}, expected {expected}"
            )
        yield line, [record[place] for place in places]


def _fields(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"
