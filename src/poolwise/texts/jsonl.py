"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.columns import (
    MISSING,
    Table,
    field_paths,
    find_value,
    known_column,
    listed_columns,
)
from poolwise.texts.extra_columns import ValueKind, kinds_of
from poolwise.texts.files import TextFile

_Record = tuple[int, dict[str, Any]]


def read_jsonl(file: TextFile, optional: Sequence[str] = ()) -> Table:
    """A file of JSON Lines; blank lines are skipped."""
    return json_lines(file.label, file.lines(), optional)


def json_lines(label: str, lines: Iterable[str], optional: Sequence[str] = ()) -> Table:
    """The table in these lines, its columns those of the first object: keys, and the paths of
    keys (``review.body``) in objects within it.

    Of ``optional`` columns any object may have none: they are null there.
    """
    records = _records(label, lines)
    first = next(records, None)
    if first is None:
        return Table.empty(label)
    records = chain([first], records)
    names = list(dict.fromkeys([*field_paths(first[1]), *optional]))
    return Table(label, names, lambda columns: _rows(label, records, columns, optional))


def json_kinds(file: TextFile, names: Sequence[str]) -> Mapping[str, frozenset[ValueKind]]:
    """The kinds of the values in these columns, over the whole file. Raises TextError for a column
    that no object has."""
    records = _records(file.label, file.lines())
    first = next(records, (0, {}))
    present: set[str] = set()

    def values(record: dict[str, Any]) -> list[object]:
        fields = [find_value(record, name) for name in names]
        present.update(
            name for name, value in zip(names, fields, strict=True) if value is not MISSING
        )
        return [None if value is MISSING else value for value in fields]

    kinds = kinds_of((values(record) for _, record in chain([first], records)), names)
    for name in names:
        if name not in present:
            known_column(field_paths(first[1]), name, file.label)
    return kinds


def _records(label: str, lines: Iterable[str]) -> Iterator[_Record]:
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            yield number, _parsed(line, f"{label}, line {number}")


def _rows(
    label: str, records: Iterator[_Record], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[int, Sequence[object]]]:
    for number, record in records:
        values = [find_value(record, column) for column in columns]
        for at, value in enumerate(values):
            if value is MISSING:
                if columns[at] not in optional:
                    raise TextError(
                        f"{label}, line {number}: has no column {columns[at]!r}; "
                        f"it has {listed_columns([*record])}"
                    )
                values[at] = None
        yield number, values


def _parsed(line: str, location: str) -> dict[str, Any]:
    try:
        record = decode_json(line)
    except SameKeyError as error:
        raise TextError(
            f"{location}: the key {error.args[0]!r} is there twice in one object, expected once; "
            "rename one"
        ) from None
    except RecursionError:
        raise TextError(f"{location}: JSON nested too deeply") from None
    except ValueError as error:
        raise TextError(
            f"{location}: not JSON: {error}; expected one object a line (JSON Lines)"
        ) from None
    if not isinstance(record, dict):
        raise TextError(
            f"{location}: found a {type(record).__name__}, expected an object; "
            "write one object a line (JSON Lines)"
        )
    return record


class SameKeyError(Exception):
    """An object has this key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise SameKeyError(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return record


decode_json = json.JSONDecoder(object_pairs_hook=_object).decode
