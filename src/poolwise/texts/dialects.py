"""How the fields of a file are delimited and quoted, as its first rows tell."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.column_names import has_known_names
from poolwise.texts.limits import check_row, is_small, too_large

Record = tuple[int, list[str]]
"""The number of a record's first line, and its fields."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What may stand between the fields of a ``.csv``."""

_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
"""A first line as Excel has it."""

_BLANK = {"\n", "\r\n", "\r"}

_LINES = 1000
_CHARACTERS = 1 << 20
"""So much is looked at, at most."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """``quoted``: a field may stand in quotation marks, its own doubled (RFC 4180); else a
    quotation mark is a character like any other, as in the files of GLUE and STS."""

    delimiter: str = ","
    quoted: bool = True

    @property
    def format(self) -> str:
        """``tsv`` or ``csv``."""
        return "tsv" if self.delimiter == "\t" else "csv"

    @property
    def delimited_by(self) -> str:
        """In words."""
        return f"delimited by {DELIMITERS.get(self.delimiter, repr(self.delimiter))}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """For the csv module."""
        quoting = {"strict": True} if self.quoted else {"quoting": csv.QUOTE_NONE}
        return {"delimiter": self.delimiter, **quoting}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the first rows are in one dialect; ``failed`` where they are not valid in it."""

    dialect: Dialect
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    failed: bool

    @property
    def even(self) -> bool:
        """Have all rows as many fields as the header?"""
        return not self.failed and all(len(row) == len(self.header) for row in self.rows)

    @property
    def named(self) -> bool:
        """Does the header hold the usual name of a text, a label, …?"""
        return has_known_names(self.header)

    @property
    def tabs(self) -> bool:
        """Is it delimited by tabs, which no prose has?"""
        return self.dialect.delimiter == "\t"

    @property
    def likely(self) -> bool:
        """Does more speak for it than that its delimiter is in the first row?"""
        fitting = sum(len(row) == len(self.header) for row in self.rows)
        return self.named or self.tabs or 2 * fitting > len(self.rows) or not self.rows

    @property
    def like_prose(self) -> bool:
        """Is there a space after every delimiter?"""
        return all(field[:1] == " " for row in (self.header, *self.rows) for field in row[1:])


def split_records(
    label: str, lines: Iterable[str], dialect: Dialect, max_bytes: int, before: int = 0
) -> Iterator[Record]:
    """The lines that are not blank, split into fields; ``before``: lines that went before.

    Raises TextError at a record of more than ``max_bytes`` bytes, before it is held.
    """
    read = number = before
    characters = 0

    def counted() -> Iterator[str]:
        nonlocal read, number, characters
        for line in lines:
            read += 1
            if not characters:
                if line in _BLANK:  # which csv would take long to say
                    continue
                number = read
            characters += len(line)
            if characters > max_bytes and characters - 2 > max_bytes:  # less its end
                raise too_large(f"{label}, line {number}", max_bytes)
            yield line

    reader = csv.reader(counted(), **dialect.settings)
    while True:
        characters = 0
        # csv's limit of 131072 characters is one setting for the whole process: it is lifted
        # while one row is parsed, so that nobody else's readers change.
        limit = csv.field_size_limit(sys.maxsize)
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TextError(
                f"{label}, line {number}: not valid {dialect.format.upper()}: {error}"
            ) from None
        finally:
            csv.field_size_limit(limit)
        if record:
            if not is_small(characters, max_bytes):
                check_row(f"{label}, line {number}", "".join(record), max_bytes)
            yield number, record


def find_dialect(
    label: str, lines: Iterable[str], file_format: str, max_bytes: int
) -> tuple[Dialect, int, Iterator[str]]:
    """The dialect of these lines, how many of them say it and hold no row, and the other lines.

    ``file_format``: ``tsv``, or ``csv``, which any of ``DELIMITERS`` may delimit. Raises TextError
    where two of them are as likely.
    """
    lines = iter(lines)
    first = next(lines, "")
    asked = _SEP.fullmatch(first) if file_format == "csv" else None
    seen: list[str] = [] if asked else [first]
    characters = 0
    for line in lines:
        seen.append(line)
        characters += len(line)
        if len(seen) >= _LINES or characters >= _CHARACTERS:
            break
    more = next(lines, None)
    rest = chain(seen, () if more is None else (more,), lines)
    whole = more is None
    if asked:
        return Dialect(asked["delimiter"]), 1, rest
    found = [_tabs(seen, whole, max_bytes)]
    if file_format == "csv":
        found = [_read(seen, whole, Dialect(d), max_bytes) for d in DELIMITERS if d != "\t"] + found
    return _likeliest(label, found).dialect, 0, rest


def _read(lines: Sequence[str], whole: bool, dialect: Dialect, max_bytes: int) -> _Reading:
    """The last record may be cut, unless the lines are the ``whole`` file."""
    rows: list[list[str]] = []
    failed = False
    try:
        rows += (record for _, record in split_records("", lines, dialect, max_bytes))
    except TextError:
        failed = whole
    if not whole and len(rows) > 1:
        rows.pop()
    return _Reading(dialect, rows[0] if rows else [], rows[1:], failed)


def _tabs(lines: Sequence[str], whole: bool, max_bytes: int) -> _Reading:
    """Quoted if that divides the rows evenly and something shows that a program quoted them."""
    plain = _read(lines, whole, Dialect("\t", quoted=False), max_bytes)
    if not any(field[:1] == '"' for row in (plain.header, *plain.rows) for field in row):
        return plain
    quoted = _read(lines, whole, Dialect("\t"), max_bytes)
    shown = (
        not plain.even
        or all(_in_quotes(name) for name in plain.header)
        or any(
            _in_quotes(field) and '""' in field[1:-1]
            for row in (plain.header, *plain.rows)
            for field in row
        )
    )
    return quoted if quoted.even and shown else plain


def _in_quotes(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'


def _likeliest(label: str, readings: Sequence[_Reading]) -> _Reading:
    """The first of ``readings`` is that with commas (of a TSV there is one, with tabs)."""
    usual, *others = readings
    others = [reading for reading in others if len(reading.header) > 1 and reading.likely]
    if not others:
        return usual
    if len(usual.header) == 1 and len(others) == 1:
        (other,) = others
        if other.named or other.tabs or (other.even and not other.like_prose):
            return other
        raise _undecided(label, usual, other)
    several = sorted(others if len(usual.header) == 1 else [usual, *others], key=_likelihood)
    if _likelihood(several[-1]) == _likelihood(several[-2]):
        raise _undecided(label, several[-2], several[-1])
    return several[-1]


def _likelihood(reading: _Reading) -> tuple[bool, bool, bool]:
    return reading.named, reading.even, reading.tabs


def _undecided(label: str, one: _Reading, other: _Reading) -> TextError:
    return TextError(
        f"{label}: cannot tell whether it is {_described(one)} or {_described(other)}; write "
        f"sep={one.dialect.delimiter} or sep={other.dialect.delimiter} in a first line of its own"
    )


def _described(reading: _Reading) -> str:
    if len(reading.header) == 1:
        return "one column"
    return f"{len(reading.header)} columns {reading.dialect.delimited_by}"
