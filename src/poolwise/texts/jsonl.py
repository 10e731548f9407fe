"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.bad_values import BadValue, decoded, has_bad_bytes
from poolwise.texts.columns import (
    MAX_NESTED,
    MISSING,
    Table,
    field_paths,
    find_value,
    known_column,
    listed_columns,
)
from poolwise.texts.decoding import whole_lines
from poolwise.texts.extra_columns import ValueKind, kinds_of
from poolwise.texts.files import TextFile

_Line = tuple[int, str | BadValue]
"""A line that is not blank, and its number."""

_SAMPLE = 1000
"""Objects whose keys are columns of a file that is read leniently."""


def read_jsonl(file: TextFile, optional: Sequence[str] = (), *, lenient: bool = False) -> Table:
    """A file of JSON Lines; blank lines are skipped.

    Its columns are those of the first object; of the first 1,000 together if it is ``lenient``,
    which has a ``BadValue`` for an object without the column and for a line that is no object.
    """
    if not lenient:
        return json_lines(file.label, file.lines(), optional)
    names = _sampled_names(file)
    if not names:
        return Table.empty(file.label)

    def rows_from(columns: Sequence[str], first: int) -> Iterator[tuple[int, Sequence[object]]]:
        lines = islice(_lenient_lines(file), first, None)
        return _rows(file.label, lines, columns, optional, lenient=file.encoding)

    return Table(
        file.label,
        list(dict.fromkeys([*names, *optional])),
        lambda columns: rows_from(columns, 0),
        rows_from=rows_from,
        row_count=lambda: sum(1 for _ in _lenient_lines(file)),
    )


def json_lines(label: str, lines: Iterable[str], optional: Sequence[str] = ()) -> Table:
    """The table in these lines, its columns those of the first object: keys, and the paths of
    keys (``review.body``) in objects within it.

    Of ``optional`` columns any object may have none: they are null there.
    """
    numbered = _numbered(lines)
    first = next(numbered, None)
    if first is None:
        return Table.empty(label)
    numbered = chain([first], numbered)
    names = list(dict.fromkeys([*field_paths(_object_in(label, *first)), *optional]))
    return Table(label, names, lambda columns: _rows(label, numbered, columns, optional))


def json_kinds(
    file: TextFile, names: Sequence[str], *, lenient: bool = False
) -> Mapping[str, frozenset[ValueKind]]:
    """The kinds of the values in these columns, over the whole file; if it is ``lenient``, over the
    lines that are objects. Raises TextError for a column that no object has."""
    present: set[str] = set()
    first: list[dict[str, Any]] = []

    def values(record: dict[str, Any]) -> list[object]:
        if not first:
            first.append(record)
        fields = [find_value(record, name) for name in names]
        present.update(
            name for name, value in zip(names, fields, strict=True) if value is not MISSING
        )
        return [None if value is MISSING else value for value in fields]

    records = (
        (record for _, record in _objects(file))
        if lenient
        else (_object_in(file.label, *line) for line in _numbered(file.lines()))
    )
    kinds = kinds_of(map(values, records), names)
    for name in names:
        if name not in present:
            known_column(field_paths(first[0]) if first else [], name, file.label)
    return kinds


def _sampled_names(file: TextFile) -> list[str]:
    """Raises TextError where no line of the file is an object, but some are not blank."""
    names: dict[str, None] = {}
    for _, record in islice(_objects(file), _SAMPLE):
        names.update(dict.fromkeys(field_paths(record)))
        if len(names) > MAX_NESTED:
            break
    if not names:
        for number, line in _lenient_lines(file):
            _object_in(file.label, number, line)
    return list(names)


def _objects(file: TextFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Those of the lines that are objects."""
    for number, line in _lenient_lines(file):
        record, _ = _parsed(line)
        if not isinstance(record, BadValue):
            yield number, record


def _lenient_lines(file: TextFile) -> Iterator[_Line]:
    return _numbered(whole_lines(file.lines(lenient=True), file.max_bytes))


def _numbered(lines: Iterable[str | BadValue]) -> Iterator[_Line]:
    for number, line in enumerate(lines, 1):
        if isinstance(line, BadValue) or not line.isspace():
            yield number, line


def _rows(
    label: str,
    lines: Iterable[_Line],
    columns: Sequence[str],
    optional: Sequence[str],
    *,
    lenient: str = "",
) -> Iterator[tuple[int, Sequence[object]]]:
    """``lenient``: the encoding of lines that are read leniently; else it is empty."""
    for number, line in lines:
        record = _parsed(line)[0] if lenient else _object_in(label, number, line)
        if isinstance(record, BadValue):
            yield number, [record] * len(columns)
            continue
        values = [find_value(record, column) for column in columns]
        for at, value in enumerate(values):
            if value is MISSING:
                values[at] = None
                if columns[at] in optional:
                    continue
                if not lenient:
                    raise TextError(
                        f"{label}, line {number}: has no column {columns[at]!r}; "
                        f"it has {listed_columns([*record])}"
                    )
                values[at] = BadValue(f"column: no column {columns[at]!r}")
        if lenient and isinstance(line, str) and has_bad_bytes(line):
            values = [_decoded(value, lenient) for value in values]
        yield number, values


def _decoded(value: object, encoding: str) -> object:
    if isinstance(value, list | dict):
        found = decoded(json.dumps(value, ensure_ascii=False), encoding)
        return found if isinstance(found, BadValue) else value
    return decoded(value, encoding) if isinstance(value, str) else value


def _object_in(label: str, number: int, line: str | BadValue) -> dict[str, Any]:
    """The object in the line. Raises TextError where there is none."""
    record, advice = _parsed(line)
    if isinstance(record, BadValue):
        raise TextError(f"{label}, line {number}: {advice}")
    return record


def _parsed(line: str | BadValue) -> tuple[dict[str, Any] | BadValue, str]:
    """The object in the line; or why there is none, shortly and as an error says it."""
    if isinstance(line, BadValue):
        return line, line.problem
    try:
        record = decode_json(line)
    except SameKeyError as error:
        key = error.args[0]
        return BadValue(f"json: the key {key[:100]!r} is there twice in one object"), (
            f"the key {key!r} is there twice in one object, expected once; rename one"
        )
    except RecursionError:
        return BadValue("json: nested too deeply"), "JSON nested too deeply"
    except ValueError as error:
        found = str(error)
        if isinstance(error, json.JSONDecodeError):
            found = f"{error.msg} at character {min(error.pos, len(line.rstrip()))}"
        return BadValue(f"json: {found}"), (
            f"not JSON: {error}; expected one object a line (JSON Lines)"
        )
    if not isinstance(record, dict):
        found = f"found a {type(record).__name__}, expected an object"
        return BadValue(f"json: {found}"), f"{found}; write one object a line (JSON Lines)"
    return record, ""


class SameKeyError(Exception):
    """An object has this key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise SameKeyError(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return record


decode_json = json.JSONDecoder(object_pairs_hook=_object).decode
