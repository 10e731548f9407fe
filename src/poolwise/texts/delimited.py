"""CSV and TSV."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from poolwise.errors import TextError
from poolwise.texts.bad_values import BadValue, decoded
from poolwise.texts.columns import Table
from poolwise.texts.delimited_records import split_records
from poolwise.texts.dialects import find_dialect
from poolwise.texts.files import TextFile

_Record = tuple[int, list[str] | BadValue]

IsHeader = Callable[[Sequence[str], str], bool]
"""Is the first row a header? Called with its fields, and ``csv`` or ``tsv``."""


def read_csv(file: TextFile, *, lenient: bool = False) -> Table:
    """A CSV file with a header; fields are text."""
    return _read(file, "csv", lenient)


def read_tsv(file: TextFile, *, lenient: bool = False) -> Table:
    """A TSV file with a header; fields are text."""
    return _read(file, "tsv", lenient)


def _read(file: TextFile, file_format: str, lenient: bool) -> Table:
    lines = file.lines(any_end=True, lenient=lenient)
    encoding = file.encoding if lenient else ""
    return delimited(file.label, lines, file_format, max_bytes=file.max_bytes, lenient=encoding)


def delimited(
    label: str,
    lines: Iterable[str],
    file_format: str,
    is_header: IsHeader = lambda fields, _: bool(fields),
    *,
    max_bytes: int,
    lenient: str = "",
) -> Table:
    """The table in these lines of a file that is called ``csv`` or ``tsv``.

    The delimiter of a ``.csv`` is detected. A row's number is that of its first line; it may have
    ``max_bytes`` bytes. ``lenient``: the encoding of lines that are read leniently; else it is
    empty.
    """
    dialect, before, lines = find_dialect(label, lines, file_format, max_bytes)
    records = split_records(label, lines, dialect, max_bytes, before, lenient=bool(lenient))
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    expected_delimiter = file_format == "tsv" or dialect.delimiter == ","
    note = "" if expected_delimiter else f"its fields are {dialect.delimited_by}"
    line, names = first
    if isinstance(names, BadValue):
        raise TextError(f"{label}, line {line}, which names the columns: {names.problem}")
    if is_header(names, dialect.format):
        return Table(
            label,
            names,
            lambda columns: _header_rows(label, names, records, columns, lenient),
            note=note,
        )
    rows = chain([first], records)
    numbers = [str(place) for place in range(1, len(names) + 1)]
    return Table(
        label,
        numbers,
        lambda columns: _numbered_rows(label, len(numbers), rows, columns, lenient),
        headed=False,
        note=note,
    )


def _header_rows(
    label: str, header: list[str], records: Iterator[_Record], columns: Sequence[str], lenient: str
) -> Iterator[tuple[int, Sequence[object]]]:
    width = len(header)
    advice = ", or call the file .txt if each line is a text" if width == 1 else ""
    expected = f"the header's {width}; a text with the delimiter in it must be quoted{advice}"
    places = [header.index(column) for column in columns]
    return _rows(label, records, places, _Width(width, width, expected), lenient)


def _numbered_rows(
    label: str, width: int, records: Iterator[_Record], columns: Sequence[str], lenient: str
) -> Iterator[tuple[int, Sequence[object]]]:
    """Lines may differ in their number of fields (STS Benchmark's do) unless all are read."""
    places = [int(number) - 1 for number in columns]
    if len(columns) == width:
        widths = _Width(width, width, f"{width} as in the first line")
    else:
        min_width = max(places) + 1
        widths = _Width(min_width, sys.maxsize, f"at least {min_width}")
    return _rows(label, records, places, widths, lenient)


class _Width(NamedTuple):
    """How many fields a row may have; and ``expected``, as an error says it."""

    smallest: int
    largest: int
    expected: str


def _rows(
    label: str, records: Iterator[_Record], places: Sequence[int], width: _Width, lenient: str
) -> Iterator[tuple[int, Sequence[object]]]:
    smallest, largest, expected = width
    for line, record in records:
        if isinstance(record, BadValue):
            yield line, [record] * len(places)
        elif not smallest <= len(record) <= largest:
            found = "1 field" if len(record) == 1 else f"{len(record)} fields"
            if not lenient:
                raise TextError(f"{label}, line {line}: found {found}, expected {expected}")
            bad = BadValue(f"fields: found {found}, expected {smallest}")
            yield line, [bad] * len(places)
        elif lenient:
            yield line, [decoded(record[place], lenient) for place in places]
        else:
            yield line, [record[place] for place in places]
