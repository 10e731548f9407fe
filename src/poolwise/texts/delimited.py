"""CSV and TSV, with a header."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row, known_column, text_column
from poolwise.texts.files import TextFile

DIALECTS: dict[str, dict[str, Any]] = {
    "csv": {"delimiter": ",", "strict": True},
    "tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
}
"""CSV as RFC 4180 has it, quotes doubled. In TSV a quotation mark is a character like any other,
as in the GLUE and STS files."""


def read_csv(file: TextFile, columns: Columns) -> Iterator[Row]:
    """The rows of a CSV file; ids are text."""
    return _read(file, columns, "csv")


def read_tsv(file: TextFile, columns: Columns) -> Iterator[Row]:
    """The rows of a TSV file; ids are text."""
    return _read(file, columns, "tsv")


def _read(file: TextFile, columns: Columns, dialect: str) -> Iterator[Row]:
    records = _records(file, dialect)
    header = next(records, (0, []))[1]
    if not header:
        return
    text = header.index(text_column(header, columns.text, file.label))
    name = None
    if columns.id is not None:
        name = header.index(known_column(header, columns.id, file.label))
    for line, record in records:
        if len(record) != len(header):
            raise TextError(
                f"{file.label}, line {line}: found {len(record)} fields, expected the header's "
                f"{len(header)}; a text with the delimiter in it must be quoted"
            )
        yield record[text], None if name is None else record[name]


def _records(file: TextFile, dialect: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, split into fields, each with the number of its last line."""
    reader = csv.reader(file.lines(), **DIALECTS[dialect])
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
                f"{file.label}, line {reader.line_num}: not valid {dialect.upper()}: {error}"
            ) from None
        finally:
            csv.field_size_limit(limit)
        if record:
            yield reader.line_num, record
