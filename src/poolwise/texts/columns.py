"""A row's fields: which of the columns holds the text, and is it one?"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from poolwise.errors import TextError

Row = tuple[str, int | str | None]
"""A text and what the id column says; None where there is no id column."""

DEFAULT_COLUMNS = ("text", "sentence")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read; None: the usual one, and no ids."""

    text: str | None = None
    id: str | None = None


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
        f"which column of {label} holds the texts? Name one with --column: {_listed(columns)}"
    )


def known_column(columns: Sequence[str], asked: str, label: str) -> str:
    """``asked``, if it is one of the columns."""
    if asked in columns:
        return asked
    close = difflib.get_close_matches(asked, columns, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise TextError(f"{label} has no column {asked!r}{meant}; it has {_listed(columns)}")


def as_text(value: object, column: str, where: str) -> str:
    """``value``, if it is a text."""
    if isinstance(value, str):
        return value
    found = "null" if value is None else f"a {type(value).__name__}"
    raise TextError(f"{where}: {column!r} is {found}, expected a text")


def as_id(value: object, column: str, where: str) -> int | str:
    """``value``, if it can name a row."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    found = "null" if value is None else f"a {type(value).__name__}"
    raise TextError(f"{where}: {column!r} is {found}, expected an integer or a text")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(repr(column) for column in columns) or "no columns"
