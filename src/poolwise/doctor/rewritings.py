"""What a program may do to a text before it tokenizes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

AS_WRITTEN = "as written"

Rewriting = Callable[[str], str]

RewritingKind = Literal["casing", "characters", "white space"]

SEPARATOR = " ||| "
"""Between the two texts of a pair, as clients of bert-as-service write it."""


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return "".join(c for c in letters if unicodedata.category(c) != "Mn")


def _misread(text: str) -> str:
    return text.encode().decode("latin-1")


REWRITINGS: Mapping[RewritingKind, Mapping[str, Rewriting]] = {
    "characters": {
        AS_WRITTEN: str,
        "composed (NFC)": lambda text: unicodedata.normalize("NFC", text),
        "composed, compatible forms replaced (NFKC)": lambda text: unicodedata.normalize(
            "NFKC", text
        ),
        "without accents": _without_accents,
        "ASCII alone": lambda text: text.encode("ascii", "ignore").decode(),
        "UTF-8 read as Latin-1": _misread,
    },
    "white space": {
        AS_WRITTEN: str,
        "line breaks are spaces": lambda text: re.sub(r"[\r\n]", " ", text),
        "one space a gap, none at the ends": lambda text: " ".join(text.split()),
    },
    "casing": {AS_WRITTEN: str, "lower-cased": str.lower},
}
"""By kind, in the order in which they happen; the first of a kind leaves the text as it is."""
