"""Fields of CSV that a spreadsheet would take for formulas."""

from __future__ import annotations

import re
from typing import Literal

Column = Literal["id", "text", "label"]

LABELS: tuple[Column, ...] = ("label",)
"""They come with a checkpoint, which may be a stranger's."""

ALL: tuple[Column, ...] = ("id", "text", "label")

# Some programs split a line at semicolons and tabs, too. A number is one to a spreadsheet as well:
# many have the label -1.
_FORMULA = re.compile(
    r"(?:^|(?<=[;\t]))(?='*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
    r"(?![+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?(?:\Z|[;\t]))"
)


def guarded(field: str) -> str:
    """The field with an apostrophe before what begins a formula: = + - @, tab or line break.

    So it is before each label of several, which semicolons keep apart. One that stands there
    already gets another: who takes one away before such a sign has the field as it was. Numbers
    stay as they are.
    """
    return _FORMULA.sub("'", field)
