"""The records of a delimited file: lines split into fields."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from itertools import chain

from poolwise.errors import TextError
from poolwise.texts.bad_values import BadValue, too_long
from poolwise.texts.decoding import LinePiece
from poolwise.texts.dialect import Dialect
from poolwise.texts.limits import excess_size, is_small, too_large, utf8_size
from poolwise.texts.skipped_record import Place, SkippedRecord

_BLANK = {"\n", "\r\n", "\r"}


class _LongRecordError(Exception):
    """A record has too many bytes with the line in ``args``."""


def split_records(
    label: str,
    lines: Iterable[str],
    dialect: Dialect,
    max_bytes: int,
    before: int = 0,
    *,
    lenient: bool = False,
) -> Iterator[tuple[int, list[str] | BadValue]]:
    """The lines that are not blank, split into fields; ``before``: lines that went before.

    Raises TextError at a record that is not valid, and at one of more than ``max_bytes`` bytes,
    before it is in memory. If it is ``lenient``, there is a bad value for such a record, and
    TextError only where a quoted field does not end.
    """
    lines = iter(lines)
    read_lines = number = before
    characters = size = 0
    ended = False

    def checked_lines() -> Iterator[str]:
        nonlocal read_lines, number, characters, size, ended
        for line in lines:
            read_lines += 1
            if not characters:
                if line in _BLANK:  # csv is slow on them
                    continue
                number, size = read_lines, 0
            characters += len(line)
            if lenient:
                if characters - 2 > max_bytes or isinstance(line, LinePiece):
                    raise _LongRecordError(line)
                size += utf8_size(line)
            elif characters > max_bytes and characters - 2 > max_bytes:  # less its end
                raise too_large(f"{label}, line {number}", max_bytes)
            yield line
        ended = True

    reader = csv.reader(checked_lines(), **dialect.settings)
    record: list[str] | BadValue
    while True:
        characters = 0
        # csv's limit of 131072 characters is one setting for the whole process: it is lifted
        # while one row is parsed, so that other readers keep theirs.
        limit = csv.field_size_limit(sys.maxsize)
        try:
            record = next(reader)
        except StopIteration:
            return
        except _LongRecordError as error:
            place = Place.FIELD_START if read_lines == number else Place.QUOTED
            skipped = SkippedRecord(dialect.delimiter, dialect.quoted, place, size)
            if not skipped.read(chain(error.args, lines)):
                raise _invalid(label, number, dialect, "unexpected end of data") from None
            read_lines += skipped.lines - 1
            record = too_long(skipped.size, max_bytes)
            reader = csv.reader(checked_lines(), **dialect.settings)
        except csv.Error as error:
            if not lenient or ended:
                raise _invalid(label, number, dialect, error) from None
            record = _bad(dialect, error, number, read_lines)
        finally:
            csv.field_size_limit(limit)
        if not is_small(characters, max_bytes) and not isinstance(record, BadValue):
            record = _sized(record, f"{label}, line {number}", max_bytes, lenient=lenient)
        if record:
            yield number, record


def _sized(
    record: list[str], location: str, max_bytes: int, *, lenient: bool
) -> list[str] | BadValue:
    """The record, if it has no more bytes than ``max_bytes``."""
    size = excess_size("".join(record), max_bytes)
    if size is None:
        return record
    if not lenient:
        raise too_large(location, max_bytes, size)
    return too_long(size, max_bytes)


def _bad(dialect: Dialect, error: csv.Error, first: int, last: int) -> BadValue:
    several = f" (lines {first} to {last})" if last > first else ""
    return BadValue(f"{dialect.format}: {error}{several}")


def _invalid(label: str, number: int, dialect: Dialect, error: object) -> TextError:
    return TextError(f"{label}, line {number}: not valid {dialect.format.upper()}: {error}")
