"""Fields of CSV that a spreadsheet would take for formulas."""

from __future__ import annotations

import re
from typing import Literal

Column = Literal["id", "text", "label"]

LABELS: tuple[Column, ...] = ("label",)
"""The labels come with a checkpoint, which may be untrusted."""

ALL: tuple[Column, ...] = ("id", "text", "label")

# Some programs split a line at semicolons and tabs, too. Numbers are left alone: -1 is a common
# label.
_FORMULA = re.compile(
    r"(?:^|(?<=[;\t]))(?='*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
    r"(?![+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?(?:\Z|[;\t]))"
)


def guarded(field: str) -> str:
    """The field with an apostrophe before each character that starts a formula: = + - @, tab or
    line break, at its beginning or after a semicolon.

    Where apostrophes precede such a character already, one more is added: removing one restores the
    field. Numbers stay as they are.
    """
    return _FORMULA.sub("'", field)
