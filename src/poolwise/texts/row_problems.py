"""What is wrong with a row's values, shortly; the first word is the kind of problem."""

from __future__ import annotations

from poolwise.texts.bad_values import BadValue
from poolwise.texts.fields import half_pair_at, is_missing, kind_of

_MAX_ID = 1 << 63


def text_problem(value: object) -> str:
    """Why the value is no text to embed; empty if it is one."""
    if isinstance(value, str):
        if not value or value.isspace():
            return "empty"
        broken = half_pair_at(value)
        return "" if broken is None else f"surrogate: half a surrogate pair at character {broken}"
    if isinstance(value, BadValue):
        return value.problem
    return "null" if is_missing(value) else f"type: found {kind_of(value)}, expected a text"


def id_of(value: object) -> tuple[int | str | None, str]:
    """The value as an id; None where it is none, and why."""
    if isinstance(value, str):
        broken = half_pair_at(value)
        if broken is None:
            return value, ""
        return None, f"id: half a surrogate pair at character {broken}"
    if isinstance(value, int) and not isinstance(value, bool):
        if -_MAX_ID <= value < _MAX_ID:
            return value, ""
        return None, "id: an integer of more than 64 bits"
    if isinstance(value, BadValue):
        return None, f"id: {value.problem}"
    return None, f"id: found {kind_of(value)}, expected an integer or a text"
