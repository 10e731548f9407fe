"""What the columns of a table look like: texts, classes, numbers, ids, dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from statistics import fmean
from typing import Literal

from poolwise.texts.column_names import is_id_name
from poolwise.texts.fields import are_numbers, is_missing, is_number
from poolwise.texts.split_names import find_split

ColumnKind = Literal[
    "texts", "classes", "numbers", "splits", "words", "ids", "dates", "constant", "empty", "other"
]

KIND_DESCRIPTIONS: Mapping[ColumnKind, str] = {
    "texts": "texts",
    "classes": "classes",
    "numbers": "numbers",
    "splits": "splits",
    "words": "lists",
    "ids": "ids",
    "dates": "dates",
    "constant": "the same value everywhere",
    "empty": "empty",
    "other": "neither texts nor numbers",
}

_DATE = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")

_FEW = 0.2
"""Different values a row up to which strings are classes, however long they are."""

_REPEATED = 0.5
"""The same, of strings that are short."""

_WORDS_OF_TEXT = 3.0
_WORDS_OF_PASSAGE = 8.0
"""Words, on average, from which strings that are seldom repeated are texts; and those that are
often, as the passages are that several questions belong to."""

_MIN_PASSAGES = 50
"""Different strings below which long ones that are often repeated are descriptions of classes."""

MAX_VALUES = 20

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts without blanks between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""

_UNSPACED_WORD = 2
"""Letters of such a script that count as a word."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column, from the rows that were looked at: its ``kind``, the number of ``distinct`` values,
    an ``example``, the mean number of ``words``, whether all are ``numeric``; and the ``values``,
    where there are no more than ``MAX_VALUES``."""

    name: str
    kind: ColumnKind
    distinct: int = 0
    example: str = ""
    words: float = 0.0
    numeric: bool = False
    values: Sequence[str] = ()

    def __str__(self) -> str:
        """``'stars' (classes, 5 different, such as '4')``."""
        if self.kind == "empty":
            return f"{self.name!r:.60} (empty)"
        count = "" if self.kind == "constant" else f", {self.distinct:,} different"
        example = self.example if len(self.example) <= 30 else f"{self.example[:29]}…"
        return f"{self.name!r:.60} ({KIND_DESCRIPTIONS[self.kind]}{count}, such as {example!r})"


def profiles_of(
    names: Sequence[str], rows: Iterable[Sequence[object]], declared: Iterable[str] = ()
) -> list[ColumnProfile]:
    """The profile of each column, from rows of values in the order of ``names``; ``declared`` are
    columns that the data themselves declare to hold classes."""
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(names)
    classes = frozenset(declared)
    return [
        _profile(name, values, declared=name in classes)
        for name, values in zip(names, columns, strict=True)
    ]


def _profile(name: str, values: Sequence[object], *, declared: bool) -> ColumnProfile:
    present = [value for value in values if not is_missing(value)]
    if not present:
        return ColumnProfile(name, "empty")
    strings = [str(value).strip() for value in present]
    words, distinct = fmean(map(_n_words, strings)), set(strings)
    return ColumnProfile(
        name,
        _kind(name, present, strings, words, declared=declared),
        len(distinct),
        strings[0],
        words,
        all(map(_is_numeral, distinct)),
        sorted(distinct) if len(distinct) <= MAX_VALUES else (),
    )


def _kind(
    name: str, values: Sequence[object], strings: Sequence[str], words: float, *, declared: bool
) -> ColumnKind:
    if all(isinstance(value, list | tuple) for value in values):
        return "words"
    if all(isinstance(value, date | time | timedelta) or _is_timestamp(value) for value in values):
        return "dates"
    if not all(isinstance(value, str | int | float) for value in values):
        return "other"
    return "classes" if declared else _kind_of_fields(name, strings, set(strings), words)


def _kind_of_fields(
    name: str, strings: Sequence[str], distinct: set[str], words: float
) -> ColumnKind:
    if all(map(find_split, distinct)):
        return "splits"
    if len(distinct) == 1 < len(strings):
        return "constant"
    if distinct <= {"True", "False"}:
        return "classes"
    if all(map(_is_numeral, distinct)):
        return _kind_of_numbers(name, strings, distinct)
    if all(map(_DATE.fullmatch, distinct)):
        return "dates"
    return _kind_of_strings(name, strings, distinct, words)


def _kind_of_numbers(name: str, strings: Sequence[str], distinct: set[str]) -> ColumnKind:
    numbers = sorted(map(float, distinct))
    all_differ = len(distinct) == len(strings) > 2
    consecutive = numbers[-1] - numbers[0] + 1 == len(numbers)
    whole = all(map(float.is_integer, numbers))
    are_many = are_numbers(distinct)
    if (all_differ and whole and consecutive) or (is_id_name(name) and (are_many or all_differ)):
        return "ids"
    return "numbers" if are_many else "classes"


def _kind_of_strings(
    name: str, strings: Sequence[str], distinct: set[str], words: float
) -> ColumnKind:
    share = len(distinct) / len(strings)
    if words >= _WORDS_OF_PASSAGE and len(distinct) >= _MIN_PASSAGES:
        return "texts"
    if share <= _FEW or (share <= _REPEATED and words < _WORDS_OF_TEXT):
        return "classes"
    if len(distinct) == 2:
        return "classes" if words < _WORDS_OF_TEXT else "texts"
    if is_id_name(name) or (words == 1.0 and share > 0.9 and any(map(_has_digit, distinct))):
        return "ids"
    return "texts"


def _n_words(string: str) -> int:
    unspaced = len(_UNSPACED.findall(string))
    return max(len(string.split()), unspaced // _UNSPACED_WORD)


def _is_numeral(string: str) -> bool:
    return is_number(string) and "_" not in string


def _has_digit(string: str) -> bool:
    return any(map(str.isdigit, string))


def _is_timestamp(value: object) -> bool:
    """A scalar of pandas', NumPy's or Arrow's."""
    return type(value).__name__ in ("Timestamp", "Timedelta", "datetime64", "TimestampScalar")
