"""A table's columns: which of them holds the text?"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from poolwise.errors import TextError
from poolwise.texts.fields import as_id, as_text, is_missing

Row = tuple[str, int | str | None]
"""A text and what the id column says; None where there is no id column."""

DEFAULT_COLUMNS = ("text", "sentence")

_SHOWN = 40
"""Characters of a column's name in an error: what was taken for a header may be a long text."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read; None: the usual one, and no ids."""

    text: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, read once: ``rows(asked)`` gives each row's number and its fields in ``asked``.

    ``names`` are empty where there is nothing to read, and ``1``, ``2``, … where the file has no
    header (``headed`` is then false). ``unit`` is what the rows' numbers count.
    """

    label: str
    names: Sequence[str]
    rows: Callable[[Sequence[str]], Iterator[tuple[int, Sequence[object]]]]
    unit: str = "line"
    headed: bool = True

    @classmethod
    def empty(cls, label: str) -> Table:
        """A table of nothing."""
        return cls(label, (), lambda asked: iter(()))

    def where(self, number: int) -> str:
        """How an error names a row."""
        return f"{self.label}, {self.unit} {number}"


def text_rows(table: Table, columns: Columns, *, nulls: bool = False) -> Iterator[Row]:
    """The table's texts, with their ids; where ``nulls`` may be, they are empty texts."""
    for _, text, name in numbered_texts(table, columns, nulls=nulls):
        yield text, name


def numbered_texts(
    table: Table, columns: Columns, *, nulls: bool = False
) -> Iterator[tuple[int, str, int | str | None]]:
    """The same, with the number of each row before it."""
    if not table.names:
        return
    asked = [text_column(table.names, columns.text, table.label)]
    if columns.id is not None:
        asked.append(known_column(table.names, columns.id, table.label))
    for number, (value, *more) in table.rows(asked):
        if isinstance(value, str):
            text = value
        elif nulls and is_missing(value):
            text = ""
        else:
            text = as_text(value, asked[0], table.where(number))
        yield number, text, as_id(more[0], asked[1], table.where(number)) if more else None


def text_column(columns: Sequence[str], asked: str | None, label: str) -> str:
    """The column to read: the one asked for, else ``text``, ``sentence`` or the only one."""
    if asked is not None:
        return known_column(columns, asked, label)
    if len(columns) == 1:
        return columns[0]
    for usual in DEFAULT_COLUMNS:
        if usual in columns:
            return usual
    raise TextError(
        f"which column of {label} holds the texts? Name one with --column: {listed(columns)}"
    )


def known_column(columns: Sequence[str], asked: str, label: str) -> str:
    """``asked``, if it is one of the columns."""
    if asked in columns:
        return asked
    close = difflib.get_close_matches(asked, columns, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise TextError(f"{label} has no column {asked!r}{meant}; it has {listed(columns)}")


def column_at(columns: Sequence[str], asked: str, label: str) -> str:
    """``asked``, a column's name or its number from 1."""
    if asked not in columns and asked.isdecimal() and 1 <= int(asked) <= len(columns):
        return columns[int(asked) - 1]
    return known_column(columns, asked, label)


def listed(columns: Sequence[str]) -> str:
    """The columns as an error names them."""
    shown = (name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…" for name in columns)
    return ", ".join(map(repr, shown)) or "no columns"
