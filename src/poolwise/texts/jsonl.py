"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row, as_id, as_text, text_column
from poolwise.texts.files import TextFile


def read_jsonl(file: TextFile, columns: Columns) -> Iterator[Row]:
    """The rows; a column is a key, or a path of keys (``review.body``); blank lines are skipped."""
    column = columns.text
    for number, line in enumerate(file.lines(), 1):
        if line.isspace():
            continue
        where = f"{file.label}, line {number}"
        record = _parsed(line, where)
        if column is None:
            column = text_column(list(record), None, file.label)
        text = as_text(_field(record, column, where), column, where)
        if columns.id is None:
            yield text, None
        else:
            yield text, as_id(_field(record, columns.id, where), columns.id, where)


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except RecursionError:
        raise TextError(f"{where}: JSON nested too deeply") from None
    except ValueError as error:
        raise TextError(f"{where}: not JSON: {error}; expected one object a line") from None
    if not isinstance(record, dict):
        raise TextError(f"{where}: found a {type(record).__name__}, expected an object")
    return record


def _field(record: dict[str, Any], column: str, where: str) -> object:
    if column in record:
        return record[column]
    value: object = record
    for key in column.split("."):
        if not isinstance(value, dict) or key not in value:
            listed = ", ".join(map(repr, record)) or "no keys"
            raise TextError(f"{where}: has no column {column!r}; it has {listed}")
        value = value[key]
    return value
