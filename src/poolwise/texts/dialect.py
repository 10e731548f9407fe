"""How the rows of a delimited file are written."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What may stand between the fields of a ``.csv``."""


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
