"""A table's columns: which of them holds the text?"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from poolwise.errors import ColumnError, TextError, listed
from poolwise.texts.fields import as_id, as_text, is_missing


class Row(NamedTuple):
    """A text; its row's number; what the id column says, None where there is none; the values of
    the columns that are kept."""

    text: str
    number: int
    id: int | str | None = None
    extra: tuple[object, ...] = ()


DEFAULT_COLUMNS = ("text", "sentence")

_COMPARED = 1000
"""Columns of which a name like the one that is missing is looked for."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read; None: the usual one, and no ids; and which to keep beside them."""

    text: str | None = None
    id: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, read once: ``rows(asked)`` gives each row's number and its fields in ``asked``.

    ``names`` are empty where there is nothing to read, and ``1``, ``2``, … where the file has no
    header (``headed`` is then false). ``unit`` is what the rows' numbers count: lines of the file
    from 1, or rows from 0 where it has no lines. ``note`` says what was found out about the file
    and may not be what its name promises; else it is empty.
    """

    label: str
    names: Sequence[str]
    rows: Callable[[Sequence[str]], Iterator[tuple[int, Sequence[object]]]]
    unit: str = "line"
    headed: bool = True
    note: str = ""

    @classmethod
    def empty(cls, label: str) -> Table:
        """A table of nothing."""
        return cls(label, (), lambda asked: iter(()))

    def where(self, number: int) -> str:
        """How an error names a row."""
        return f"{self.label}, {self.unit} {number}"


def text_rows(table: Table, columns: Columns, *, nulls: bool = False) -> Iterator[Row]:
    """The table's texts, with their ids; where ``nulls`` may be, they are empty texts."""
    if not table.names:
        return
    name = text_column(table.names, columns.text, table.label)
    more = [*([] if columns.id is None else [columns.id]), *columns.keep]
    asked = [name, *(known_column(table.names, column, table.label) for column in more)]
    with_id = columns.id is not None
    for number, (value, *others) in table.rows(asked):
        if isinstance(value, str):
            text = value
        elif nulls and is_missing(value):
            text = ""
        else:
            text = as_text(value, name, table.where(number))
        own = as_id(others.pop(0), asked[1], table.where(number)) if with_id else None
        yield Row(text, number, own, tuple(others))


def text_column(columns: Sequence[str], asked: str | None, label: str) -> str:
    """The column to read: the one asked for, else ``text``, ``sentence`` or the only one."""
    if asked is not None:
        return known_column(columns, asked, label)
    if len(columns) == 1:
        return columns[0]
    for usual in DEFAULT_COLUMNS:
        if usual in columns:
            return known_column(columns, usual, label)
    raise ColumnError(
        f"which column of {label} holds the texts? Name one with --column: "
        f"{listed_columns(columns)}"
    )


def known_column(columns: Sequence[str], asked: str, label: str) -> str:
    """``asked``, if it is one of the columns."""
    if asked in columns:
        if list(columns).count(asked) > 1:
            raise TextError(
                f"{label} has {list(columns).count(asked)} columns called {asked!r}, expected one; "
                f"rename the others; it has {listed_columns(columns)}"
            )
        return asked
    close = difflib.get_close_matches(asked, columns[:_COMPARED], n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise TextError(f"{label} has no column {asked!r}{meant}; it has {listed_columns(columns)}")


def column_at(columns: Sequence[str], asked: str, label: str) -> str:
    """``asked``, a column's name or its number from 1."""
    if asked not in columns and asked.isdecimal() and 1 <= int(asked) <= len(columns):
        asked = columns[int(asked) - 1]
    return known_column(columns, asked, label)


def listed_columns(columns: Sequence[str]) -> str:
    """The columns as an error names them."""
    return listed(columns, repr, limit=20) or "no columns"


MOST_WITHIN = 10_000
"""Fields within fields that are known by their paths."""

_LONGEST = 1000
"""Characters of a path under which there may be others."""

MISSING = object()
"""In place of the value of a column that a row has not."""


def field_paths(record: Mapping[str, object]) -> list[str]:
    """The names of a record's fields, and the paths (``review.body``) of those in records within
    it: the first ones, where there are very many."""
    fields = list(record.items())
    most = len(fields) + MOST_WITHIN
    for path, value in fields:  # which grows
        if isinstance(value, dict) and len(path) <= _LONGEST:
            within = islice(value.items(), most - len(fields))
            fields += [(f"{path}.{key}", inner) for key, inner in within]
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
