"""The delimiter and quotation of a delimited file, detected from its first rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from poolwise.errors import TextError
from poolwise.texts.bad_values import BadValue
from poolwise.texts.column_names import has_known_names
from poolwise.texts.decoding import LinePiece
from poolwise.texts.delimited_records import split_records
from poolwise.texts.dialect import DELIMITERS, Dialect

_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
"""A first line as Excel has it."""

_MAX_LINES = 1000
_MAX_CHARACTERS = 1 << 20
"""The part of a file that is examined, at most."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The first rows read in one dialect; ``failed`` if they are not valid in it."""

    dialect: Dialect
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    failed: bool

    @property
    def even(self) -> bool:
        """Have all rows as many fields as the header?"""
        return not self.failed and all(len(row) == len(self.header) for row in self.rows)

    @property
    def header_known(self) -> bool:
        """Is a column of the header called as columns of texts, labels, … are?"""
        return has_known_names(self.header)

    @property
    def tabs(self) -> bool:
        """Is it delimited by tabs, which no prose has?"""
        return self.dialect.delimiter == "\t"

    @property
    def plausible(self) -> bool:
        """Does more support it than its delimiter in the first row?"""
        fitting = sum(len(row) == len(self.header) for row in self.rows)
        return self.header_known or self.tabs or 2 * fitting > len(self.rows) or not self.rows

    @property
    def like_prose(self) -> bool:
        """Is there a space after every delimiter?"""
        return all(field[:1] == " " for row in (self.header, *self.rows) for field in row[1:])


def find_dialect(
    label: str, lines: Iterable[str], file_format: str, max_bytes: int
) -> tuple[Dialect, int, Iterator[str]]:
    """The dialect of these lines, how many of them say it and hold no row, and the other lines.

    ``file_format``: ``tsv``, or ``csv``, which any of ``DELIMITERS`` may delimit. Raises TextError
    where two of them are as likely.
    """
    lines = iter(lines)
    first = next(lines, "")
    sep_line = _SEP.fullmatch(first) if file_format == "csv" else None
    sample: list[str] = [] if sep_line else [first]
    characters = 0
    for line in lines:
        sample.append(line)
        characters += len(line)
        if len(sample) >= _MAX_LINES or characters >= _MAX_CHARACTERS:
            break
    next_line = next(lines, None)
    all_lines = chain(sample, () if next_line is None else (next_line,), lines)
    complete = next_line is None
    if sep_line:
        return Dialect(sep_line["delimiter"]), 1, all_lines
    sample = [line for line in sample if not isinstance(line, LinePiece)]
    readings = [_tabs(sample, complete, max_bytes)]
    if file_format == "csv":
        readings = [
            _read(sample, complete, Dialect(d), max_bytes) for d in DELIMITERS if d != "\t"
        ] + readings
    return _likeliest(label, readings).dialect, 0, all_lines


def _read(lines: Sequence[str], complete: bool, dialect: Dialect, max_bytes: int) -> _Reading:
    """The last record may be cut, unless the lines are the ``complete`` file."""
    rows: list[list[str]] = []
    failed = False
    try:
        for _, record in split_records("", lines, dialect, max_bytes):
            if not isinstance(record, BadValue):
                rows.append(record)
    except TextError:
        failed = complete
    if not complete and len(rows) > 1:
        rows.pop()
    return _Reading(dialect, rows[0] if rows else [], rows[1:], failed)


def _tabs(lines: Sequence[str], complete: bool, max_bytes: int) -> _Reading:
    """Tabs; quoted if that divides the rows evenly and some field was quoted by a program."""
    plain = _read(lines, complete, Dialect("\t", quoted=False), max_bytes)
    if not any(field[:1] == '"' for row in (plain.header, *plain.rows) for field in row):
        return plain
    quoted = _read(lines, complete, Dialect("\t"), max_bytes)
    looks_quoted = (
        not plain.even
        or all(_in_quotes(name) for name in plain.header)
        or any(
            _in_quotes(field) and '""' in field[1:-1]
            for row in (plain.header, *plain.rows)
            for field in row
        )
    )
    return quoted if quoted.even and looks_quoted else plain


def _in_quotes(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'


def _likeliest(label: str, readings: Sequence[_Reading]) -> _Reading:
    """The first of ``readings`` is that with commas (of a TSV there is one, with tabs)."""
    default, *alternatives = readings
    alternatives = [
        reading for reading in alternatives if len(reading.header) > 1 and reading.plausible
    ]
    if not alternatives:
        return default
    if len(default.header) == 1 and len(alternatives) == 1:
        (alternative,) = alternatives
        if (
            alternative.header_known
            or alternative.tabs
            or (alternative.even and not alternative.like_prose)
        ):
            return alternative
        raise _undecided(label, default, alternative)
    candidates = sorted(
        alternatives if len(default.header) == 1 else [default, *alternatives], key=_likelihood
    )
    if _likelihood(candidates[-1]) == _likelihood(candidates[-2]):
        raise _undecided(label, candidates[-2], candidates[-1])
    return candidates[-1]


def _likelihood(reading: _Reading) -> tuple[bool, bool, bool]:
    return reading.header_known, reading.even, reading.tabs


def _undecided(label: str, a: _Reading, b: _Reading) -> TextError:
    return TextError(
        f"{label}: cannot tell whether it is {_described(a)} or {_described(b)}; write "
        f"sep={a.dialect.delimiter} or sep={b.dialect.delimiter} in a first line of its own"
    )


def _described(reading: _Reading) -> str:
    if len(reading.header) == 1:
        return "one column"
    return f"{len(reading.header)} columns {reading.dialect.delimited_by}"
