"""Values that cannot be read, for readers that go on past them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from poolwise.texts.limits import utf8_size

_BYTE = re.compile("[\udc80-\udcff]")
"""A byte that was not decoded, as ``errors="surrogateescape"`` has it."""


@dataclass(frozen=True, slots=True)
class BadValue:
    """Stands for a value that cannot be read; in every column of a row that cannot.

    ``problem`` says why; its first word is its kind: ``encoding: byte 0xff at byte 2 …``.
    """

    problem: str


def has_bad_bytes(text: str) -> bool:
    """Are there bytes in it that were not decoded?"""
    return not text.isascii() and _BYTE.search(text) is not None


def decoded(text: str, encoding: str) -> str | BadValue:
    """``text``, unless some of its bytes are not of this encoding, which it was decoded with."""
    if text.isascii():
        return text
    found = _BYTE.search(text)
    if found is None:
        return text
    before = text[: found.start()].encode(encoding.removesuffix("-sig"), "surrogateescape")
    return bad_byte(ord(found[0]) - 0xDC00, len(before), encoding)


def bad_byte(byte: int, place: int, encoding: str) -> BadValue:
    """For a text with this byte, counted from 0, which is not of the encoding."""
    return BadValue(f"encoding: byte 0x{byte:02x} at byte {place} of the text is not {encoding}")


def bounded(fields: Sequence[object], max_bytes: int) -> list[object]:
    """The fields of a row; if it has too many bytes in its texts, bad values for the large ones."""
    sizes = [utf8_size(field) if isinstance(field, str) else 0 for field in fields]
    total = sum(sizes)
    if total <= max_bytes:
        return list(fields)
    large = [size * len(fields) > max_bytes for size in sizes]
    return [
        too_long(total, max_bytes) if is_large else field
        for field, is_large in zip(fields, large, strict=True)
    ]


def too_long(size: int, max_bytes: int) -> BadValue:
    """For a row of ``size`` bytes."""
    return BadValue(f"size: {size:,} bytes, expected at most {max_bytes:,}")
