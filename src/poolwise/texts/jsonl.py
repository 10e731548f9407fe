"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import Table, listed
from poolwise.texts.files import TextFile

_Record = tuple[int, dict[str, Any]]


def read_jsonl(file: TextFile) -> Table:
    """A file of JSON Lines; blank lines are skipped."""
    return json_lines(file.label, file.lines())


def json_lines(label: str, lines: Iterable[str]) -> Table:
    """The table in these lines, its columns those of the first object: keys, and the paths of
    keys (``review.body``) in objects within it."""
    records = _records(label, lines)
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    records = chain([first], records)
    return Table(label, _paths(first[1]), lambda asked: _rows(label, records, asked))


def _records(label: str, lines: Iterable[str]) -> Iterator[_Record]:
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            yield number, _parsed(line, f"{label}, line {number}")


def _rows(
    label: str, records: Iterator[_Record], asked: Sequence[str]
) -> Iterator[tuple[int, Sequence[object]]]:
    for number, record in records:
        yield number, [_field(record, column, label, number) for column in asked]


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


def _paths(record: dict[str, Any]) -> list[str]:
    fields = list(record.items())
    for path, value in fields:
        if isinstance(value, dict):
            fields += [(f"{path}.{key}", inner) for key, inner in value.items()]
    return [path for path, _ in fields]


def _field(record: dict[str, Any], column: str, label: str, number: int) -> object:
    if column in record:
        return record[column]
    value: object = record
    for key in column.split("."):
        if not isinstance(value, dict) or key not in value:
            raise TextError(
                f"{label}, line {number}: has no column {column!r}; it has {listed([*record])}"
            )
        value = value[key]
    return value
