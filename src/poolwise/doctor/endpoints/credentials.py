"""A key, or credentials in a URL: the header that has them, and how no text shows them."""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qsl, quote

from poolwise.doctor.endpoints.address import Address
from poolwise.errors import OptionError

SHORT = 6
"""Shorter secrets are looked for as whole words: a key ``x`` would blacken every message."""


def authorization(address: Address, key: str | None) -> str:
    """The header of a key, or of the URL's credentials where there is none.

    Raises OptionError for both, and for a key that no header can hold.
    """
    if not key:
        return f"Basic {_basic(address)}"
    if address.user or address.password:
        raise OptionError(
            "the endpoint's URL has credentials and there is a key too; a request takes one of "
            "them: leave the other out"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise OptionError(
            "the endpoint's key has a space, a line break or a letter that no header can hold; "
            "expected a key as the server's operator gave it"
        )
    return f"Bearer {key}"


def _basic(address: Address) -> str:
    return base64.b64encode(f"{address.user}:{address.password}".encode()).decode()


def secrets_pattern(address: Address, key: str | None) -> re.Pattern[str] | None:
    """What no text may show; None where there is nothing."""
    words = [key or "", address.password, address.query]
    words += [value for _, value in parse_qsl(address.query) if len(value) >= SHORT]
    words += [quote(word, safe="") for word in words]
    if address.user or address.password:
        words.append(_basic(address))
    if not address.password:
        words.append(address.user)
    found = sorted({word for word in words if word}, key=len, reverse=True)
    return re.compile("|".join(map(_pattern, found))) if found else None


def _pattern(word: str) -> str:
    return re.escape(word) if len(word) >= SHORT else rf"(?<!\w){re.escape(word)}(?!\w)"
