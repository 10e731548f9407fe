"""CSV and TSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.files import TextFile

DIALECTS: dict[str, dict[str, Any]] = {
    "csv": {"delimiter": ",", "strict": True},
    "tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
}
"""CSV as RFC 4180 has it, quotes doubled. In TSV a quotation mark is a character like any other,
as in the GLUE and STS files."""

_Record = tuple[int, list[str]]


def read_csv(file: TextFile) -> Table:
    """A CSV file with a header; fields are text."""
    return delimited(file.label, file.lines(), "csv")


def read_tsv(file: TextFile) -> Table:
    """A TSV file with a header; fields are text."""
    return delimited(file.label, file.lines(), "tsv")


def delimited(
    label: str,
    lines: Iterable[str],
    dialect: str,
    is_header: Callable[[Sequence[str]], bool] = bool,
) -> Table:
    """The table in these lines; ``is_header`` is shown the fields of the first."""
    records = _records(label, lines, dialect)
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    _, names = first
    if is_header(names):
        return Table(label, names, lambda asked: _named(label, names, records, asked))
    rows = chain([first], records)
    numbers = [str(place) for place in range(1, len(names) + 1)]
    return Table(
        label, numbers, lambda asked: _numbered(label, len(numbers), rows, asked), headed=False
    )


def _named(
    label: str, header: list[str], records: Iterator[_Record], asked: Sequence[str]
) -> Iterator[_Record]:
    places = [header.index(column) for column in asked]
    for line, record in records:
        if len(record) != len(header):
            raise TextError(
                f"{label}, line {line}: found {len(record)} fields, expected the header's "
                f"{len(header)}; a text with the delimiter in it must be quoted"
            )
        yield line, [record[place] for place in places]


def _numbered(
    label: str, width: int, records: Iterator[_Record], asked: Sequence[str]
) -> Iterator[_Record]:
    """Where fields are left out, lines may differ in their number (STS Benchmark's do)."""
    places = [int(number) - 1 for number in asked]
    exact = len(asked) == width
    least = width if exact else max(places) + 1
    for line, record in records:
        if len(record) < least or (exact and len(record) > width):
            expected = f"{width} as in the first line" if exact else f"at least {least}"
            raise TextError(
                f"{label}, line {line}: found {len(record)} fields, expected {expected}"
            )
        yield line, [record[place] for place in places]


def _records(label: str, lines: Iterable[str], dialect: str) -> Iterator[_Record]:
    """The lines that are not blank, split into fields, each with the number of its last line."""
    reader = csv.reader(lines, **DIALECTS[dialect])
    while True:
        # csv's limit of 131072 characters is one setting for the whole process: it is lifted
        # while one row is parsed, so that nobody else's readers change.
        limit = csv.field_size_limit(sys.maxsize)
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TextError(
                f"{label}, line {reader.line_num}: not valid {dialect.upper()}: {error}"
            ) from None
        finally:
            csv.field_size_limit(limit)
        if record:
            yield reader.line_num, record
