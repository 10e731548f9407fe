"""A table's columns: which one holds the texts, and the fields within records."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from poolwise.errors import ColumnError, TextError, listed
from poolwise.texts.fields import as_id, as_text, is_missing


class Row(NamedTuple):
    """A text; its row's number; its id, None without an id column; the values of the columns to
    keep."""

    text: str
    number: int
    id: int | str | None = None
    extra: tuple[object, ...] = ()


DEFAULT_COLUMNS = ("text", "sentence")

_MAX_COMPARED = 1000
"""Columns among which a name close to a missing one is searched."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read; None: the one guessed by its name, and no ids; and which to keep."""

    text: str | None = None
    id: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, read once: ``rows(names)`` yields each row's number and its fields in ``names``.

    ``names`` are empty where there is nothing to read, and ``1``, ``2``, … where the table has no
    header (``headed`` is then false). ``unit`` is what the rows' numbers count: lines of the file
    from 1, or rows from 0 where it has no lines. ``note`` says what was found out about the file
    and may not be what its name promises; else it is empty. ``in_memory``: it holds a Python
    caller's data, so that errors name arguments instead of command-line options. ``rows_from``
    and ``row_count``, where reading all rows would be slower: the rows from a number on, counted
    from 0, and their number. A table that was opened leniently has a ``BadValue`` where a value
    cannot be read.
    """

    label: str
    names: Sequence[str]
    rows: Callable[[Sequence[str]], Iterator[tuple[int, Sequence[object]]]]
    unit: str = "line"
    headed: bool = True
    note: str = ""
    in_memory: bool = False
    rows_from: Callable[[Sequence[str], int], Iterator[tuple[int, Sequence[object]]]] | None = None
    row_count: Callable[[], int] | None = None

    @classmethod
    def empty(cls, label: str) -> Table:
        """A table without columns and rows."""
        return cls(label, (), lambda names: iter(()))

    def rows_after(
        self, names: Sequence[str], number: int
    ) -> Iterator[tuple[int, Sequence[object]]]:
        """``rows(names)`` without the first ``number``."""
        if self.rows_from is not None:
            return self.rows_from(names, number)
        return islice(self.rows(names), number, None)

    def count(self) -> int:
        """The number of its rows."""
        if self.row_count is not None:
            return self.row_count()
        return sum(1 for _ in self.rows(self.names[:1]))

    def location(self, number: int) -> str:
        """How an error names a row."""
        return f"{self.label}, {self.unit} {number}"

    def option(self, name: str) -> str:
        """How an error names the option ``name``: ``--column``, or ``text_column=…``."""
        return f"{name.replace('-', '_')}=…" if self.in_memory else f"--{name}"


def text_rows(table: Table, columns: Columns, *, nulls: bool = False) -> Iterator[Row]:
    """The table's texts, with their ids; with ``nulls``, a missing text is an empty one."""
    if not table.names:
        return
    names = text_columns(table, columns)
    text_name, has_id = names[0], columns.id is not None
    for number, (value, *extra) in table.rows(names):
        if isinstance(value, str):
            text = value
        elif nulls and is_missing(value):
            text = ""
        else:
            text = as_text(value, text_name, table.location(number))
        row_id = as_id(extra.pop(0), names[1], table.location(number)) if has_id else None
        yield Row(text, number, row_id, tuple(extra))


def text_columns(table: Table, columns: Columns) -> list[str]:
    """The names of the columns to read: of the texts, of the ids if there are, those to keep."""
    other_names = [*([] if columns.id is None else [columns.id]), *columns.keep]
    return [
        text_column(table, columns.text),
        *(known_column(table.names, name, table.label) for name in other_names),
    ]


def text_column(table: Table, name: str | None) -> str:
    """The column ``name``; if it is None: ``text``, ``sentence`` or the only one."""
    if name is not None:
        return known_column(table.names, name, table.label)
    if len(table.names) == 1:
        return table.names[0]
    for default in DEFAULT_COLUMNS:
        if default in table.names:
            return known_column(table.names, default, table.label)
    raise ColumnError(
        f"which column of {table.label} holds the texts? Name one with {table.option('column')}: "
        f"{listed_columns(table.names)}"
    )


def known_column(columns: Sequence[str], name: str, label: str) -> str:
    """``name``. Raises TextError unless exactly one of the columns is called so."""
    if name in columns:
        if list(columns).count(name) > 1:
            raise TextError(
                f"{label} has {list(columns).count(name)} columns called {name!r}, expected one; "
                f"rename the others; it has {listed_columns(columns)}"
            )
        return name
    folded = {column.casefold(): column for column in columns[:_MAX_COMPARED]}
    close = [folded[n] for n in difflib.get_close_matches(name.casefold(), list(folded), n=1)]
    suggestion = f" (did you mean {close[0]!r}?)" if close else ""
    raise TextError(f"{label} has no column {name!r}{suggestion}; it has {listed_columns(columns)}")


def column_at(columns: Sequence[str], name: str, label: str) -> str:
    """The column ``name``, which may also be a number from 1."""
    if name not in columns and name.isdecimal() and 1 <= int(name) <= len(columns):
        name = columns[int(name) - 1]
    return known_column(columns, name, label)


def listed_columns(columns: Sequence[str]) -> str:
    """The columns as an error names them."""
    return listed(columns, repr, limit=20) or "no columns"


MAX_NESTED = 10_000
"""Fields within fields that are known by their paths."""

_MAX_PATH = 1000
"""Characters of a path beyond which no fields within it are listed."""

MISSING = object()
"""In place of the value of a column that a record does not have."""


def field_paths(record: Mapping[str, object]) -> list[str]:
    """The names of a record's fields, and the paths (``review.body``) of fields in records within
    it, at most ``MAX_NESTED`` of these."""
    fields = list(record.items())
    max_fields = len(fields) + MAX_NESTED
    for path, value in fields:  # the list grows in the loop
        if isinstance(value, dict) and len(path) <= _MAX_PATH:
            nested = islice(value.items(), max_fields - len(fields))
            fields += [(f"{path}.{key}", inner) for key, inner in nested]
    return list(dict.fromkeys(path for path, _ in fields))


def find_value(record: Mapping[str, object], column: str) -> object:
    """The value of a field or of a path of fields; ``MISSING`` where there is none."""
    if column in record:
        return record[column]
    value: object = record
    for key in column.split("."):
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value
