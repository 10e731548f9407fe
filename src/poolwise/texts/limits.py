"""How large a row may be, and how much a compressed file may hold."""

from __future__ import annotations

from collections.abc import Iterable

from poolwise.errors import TextError

MAX_TEXT_BYTES = 1 << 24
"""Bytes (UTF-8) of a row that is read unless more is asked for: some three novels."""

_WIDEST = 4
"""Bytes of a character in UTF-8, at most."""


def check_limit(most: int) -> None:
    """Raise TextError unless ``most`` is a limit of bytes."""
    if most < 1:
        raise TextError(f"found a limit of {most} bytes for a row, expected at least 1")


def is_small(characters: int, most: int) -> bool:
    """Has a row of so many characters surely no more than ``most`` bytes?"""
    return _WIDEST * characters <= most


def check_row(where: str, row: str, most: int) -> None:
    """Raise TextError, naming the row as ``where``, if it has more than ``most`` bytes."""
    if is_small(len(row), most):
        return
    size = len(row) if row.isascii() else len(row.encode("utf-8", "surrogatepass"))
    if size > most:
        raise too_large(where, most, size)


def check_fields(where: str, fields: Iterable[object], most: int) -> None:
    """The same of a row in several fields, of which texts count."""
    texts = [field for field in fields if isinstance(field, str)]
    if not is_small(sum(map(len, texts)), most):
        check_row(where, "".join(texts), most)


def too_large(where: str, most: int, size: int | None = None) -> TextError:
    """What to say of a row with more than ``most`` bytes; ``size`` is None where it is unknown."""
    found = f"more than {most:,} bytes" if size is None else f"{size:,} bytes"
    expected = "so many" if size is None else f"{most:,}"
    return TextError(
        f"{where}: found {found}, expected at most {expected} in a row; divide it, or allow more "
        "with --max-text-bytes (max_text_bytes=…)"
    )


FREE = 1 << 21
"""So many decompressed bytes are given whatever their number was before."""

MOST_TIMES = 250
"""Text becomes some ten times smaller; what became smaller by more than this holds none."""


def check_ratio(label: str, packed: int, unpacked: int) -> None:
    """Raise TextError if more comes out of a compressed file than is likely of text."""
    if unpacked > FREE and unpacked > MOST_TIMES * packed:
        raise TextError(
            f"{label} holds more than {MOST_TIMES} times as many bytes as it has itself "
            f"({unpacked:,} so far, of {packed:,}), which no text does; if it is meant to, "
            "decompress it first"
        )
