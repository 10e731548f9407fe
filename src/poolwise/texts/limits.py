"""How large a row may be, and how much a compressed file may hold."""

from __future__ import annotations

from collections.abc import Iterable

from poolwise.errors import TextError

MAX_TEXT_BYTES = 1 << 24
"""Bytes (UTF-8) of a row that is read unless more is asked for: some three novels."""

_MAX_UTF8_BYTES = 4
"""Bytes of a character in UTF-8, at most."""


def check_limit(max_bytes: int) -> None:
    """Raise TextError unless ``max_bytes`` is a limit of bytes."""
    if max_bytes < 1:
        raise TextError(f"found a limit of {max_bytes} bytes for a row, expected at least 1")


def is_small(characters: int, max_bytes: int) -> bool:
    """Has a row of so many characters surely no more than ``max_bytes`` bytes?"""
    return _MAX_UTF8_BYTES * characters <= max_bytes


def check_row(location: str, row: str, max_bytes: int) -> None:
    """Raise TextError, naming the row as ``location``, if it has more than ``max_bytes`` bytes."""
    size = excess_size(row, max_bytes)
    if size is not None:
        raise too_large(location, max_bytes, size)


def excess_size(row: str, max_bytes: int) -> int | None:
    """The number of its bytes if they are more than ``max_bytes``."""
    if is_small(len(row), max_bytes):
        return None
    size = utf8_size(row)
    return size if size > max_bytes else None


def utf8_size(text: str) -> int:
    """Bytes of the text in UTF-8; a byte that could not be decoded is one."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def check_fields(location: str, fields: Iterable[object], max_bytes: int) -> None:
    """The same of a row in several fields, of which texts count."""
    texts = [field for field in fields if isinstance(field, str)]
    if not is_small(sum(map(len, texts)), max_bytes):
        check_row(location, "".join(texts), max_bytes)


def too_large(location: str, max_bytes: int, size: int | None = None) -> TextError:
    """The error for a row of more than ``max_bytes`` bytes; ``size`` is None if unknown."""
    size_text = f"more than {max_bytes:,} bytes" if size is None else f"{size:,} bytes"
    limit_text = "so many" if size is None else f"{max_bytes:,}"
    return TextError(
        f"{location}: found {size_text}, expected at most {limit_text} in a row; divide it, or "
        "allow more with --max-text-bytes (max_text_bytes=…)"
    )


UNCHECKED_BYTES = 1 << 21
"""Decompressed bytes up to which the ratio is not checked."""

MAX_RATIO = 250
"""Text compresses some ten times; files beyond this ratio hold none."""


def check_ratio(label: str, packed: int, unpacked: int) -> None:
    """Raise TextError if more comes out of a compressed file than is likely of text."""
    if unpacked > UNCHECKED_BYTES and unpacked > MAX_RATIO * packed:
        raise TextError(
            f"{label} holds more than {MAX_RATIO} times as many bytes as it has itself "
            f"({unpacked:,} so far, of {packed:,}), which no text does; if it is meant to, "
            "decompress it first"
        )
