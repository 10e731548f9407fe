"""A field's value as a text, an id, a label, several labels or a score."""

from __future__ import annotations

import math
from collections.abc import Iterable

from poolwise.errors import TextError, listed

SEPARATOR = ";"
"""Between the labels of a text that has several."""

MANY = 20
"""Different integers up to which labels are classes."""


def is_missing(value: object) -> bool:
    """Is the field empty? An empty or blank text, null, or NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_text(value: object, column: str, location: str) -> str:
    """``value``, if it is a text."""
    if isinstance(value, str):
        return value
    raise TextError(
        f"{location}: {column!r} is {kind_of(value)}, expected a text{_advice(value, column)}"
    )


def _advice(value: object, column: str) -> str:
    """Advice for a value that is no text, if there is any."""
    match value:
        case dict() if value:
            paths = listed((f"{column}.{key}" for key in value), repr)
            return f"; name one of its fields: {paths}"
        case list() | tuple():
            return "; join its items to one text"
        case bytes():
            return "; if these are texts, write the column as strings"
    return ""


def as_filled_text(value: object, column: str, location: str) -> str:
    """``value``, if it is a text that is not blank."""
    text = as_text(value, column, location)
    if not text.strip():
        raise TextError(f"{location}: {column!r} is empty, expected a text; fill or remove the row")
    broken = half_pair_at(text)
    if broken is not None:
        raise TextError(
            f"{location}: {column!r} has half a surrogate pair at character {broken}, "
            "which is no text; repair the row"
        )
    return text


def half_pair_at(text: str) -> int | None:
    """Where the first half of a surrogate pair is, which no text has; None if there is none."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def as_id(value: object, column: str, location: str) -> int | str:
    """``value``, if it can name a row."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise TextError(f"{location}: {column!r} is {kind_of(value)}, expected an integer or a text")


def as_label(value: object, column: str, location: str) -> str:
    """``value``, if it can be a label, without spaces around it."""
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    if isinstance(value, str):
        return as_filled_text(value, column, location).strip()
    found = repr(value) if isinstance(value, float) else kind_of(value)
    raise TextError(f"{location}: {column!r} is {found}, expected a text or a number")


def as_labels(value: object, column: str, location: str) -> str:
    """Labels in order of the alphabet, each once, with ``;`` between them; "" is none of them.

    ``value`` is a list of labels, or a text with ``;`` between them.
    """
    if isinstance(value, str | int):
        value = [piece for piece in str(value).split(SEPARATOR) if piece.strip()]
    if not isinstance(value, list):
        raise TextError(
            f"{location}: {column!r} is {kind_of(value)}, expected a list of labels, or a text "
            f"with {SEPARATOR!r} between them"
        )
    labels = sorted({as_label(label, column, location) for label in value})
    for label in labels:
        if SEPARATOR in label:
            raise TextError(
                f"{location}: {column!r} lists the label {label!r}, which {SEPARATOR!r} would make "
                "two; write it without"
            )
    return SEPARATOR.join(labels)


def as_score(value: object, column: str, location: str) -> float:
    """``value``, if it is a finite number, or text that says one."""
    number = math.nan
    if isinstance(value, str):
        number = _number(value)
    elif isinstance(value, int | float):
        number = float(value)
    if math.isfinite(number):
        return number
    description = repr(value) if isinstance(value, str | int | float) else kind_of(value)
    raise TextError(
        f"{location}: the score {column!r} is {description}, expected a number such as 3.5; "
        "repair or remove the row, or name another column"
    )


def is_number(text: str) -> bool:
    """Does ``text`` say a finite number?"""
    return math.isfinite(_number(text))


def are_numbers(labels: Iterable[str]) -> bool:
    """Whether labels are numbers rather than names of classes.

    Three or more different values, some of them no integers; or more than ``MANY`` integers that
    are not just 0 or 1 and what follows, as codes of classes are.
    """
    different = set(labels)
    if len(different) < 3 or not all(map(is_number, different)):
        return False
    values = sorted(set(map(float, different)))
    if not all(map(float.is_integer, values)):
        return True
    codes = values[0] in (0, 1) and values[-1] - values[0] + 1 == len(values)
    return len(values) > MANY and not codes


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def kind_of(value: object) -> str:
    """How an error names the type of a value: ``null``, ``a list``."""
    return "null" if value is None else f"a {type(value).__name__}"
