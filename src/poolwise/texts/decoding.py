"""Bytes into lines of text."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Self

from poolwise.errors import EncodingError, TextError
from poolwise.texts.bad_values import BadValue, too_long
from poolwise.texts.limits import excess_size, is_small, too_large, utf8_size

_END = re.compile(r"\r\n?|\n")

_NO_FILES = {"idna", "punycode", "undefined", "charmap", "unicode-escape", "raw-unicode-escape"}
"""Python's text encodings that no file has."""


def check_encoding(name: str) -> None:
    """Raise TextError unless ``name`` is an encoding of text files."""
    known = "expected one such as utf-8, latin-1 or cp1252"
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        raise TextError(f"unknown encoding {name!r}; {known}") from None
    text = codec.name.replace("_", "-") not in _NO_FILES
    try:
        b"a".decode(name)
    except LookupError:
        text = False
    except UnicodeError:
        pass  # one byte may be less than a character
    if not text:
        raise TextError(f"{name!r} is no encoding of text files; {known}")


def decoded_lines(
    chunks: Iterable[bytes],
    encoding: str,
    label: str,
    *,
    max_bytes: int,
    any_end: bool = False,
    lenient: bool = False,
) -> Iterator[str]:
    """The lines with their ends; the last may have none. A byte order mark is dropped.

    Raises TextError at a line of more than ``max_bytes`` bytes (UTF-8), its end not counted; a
    longer one is not held. If it is ``lenient``, such a line comes in pieces, and bytes that are
    not of the encoding as ``errors="surrogateescape"`` has them.

    A line ends with LF (or CRLF). CR alone is a character like any other, unless ``any_end``, or
    where there is none but CR, as in files of old Macs.
    """
    lines = characters = 0
    pending_cr, unfinished, divided = "", [], False
    undecided = not any_end
    for piece, bad in _decoded(chunks, encoding, "surrogateescape" if lenient else "strict"):
        text, pending_cr = pending_cr + piece, ""
        if undecided and "\n" in text:
            undecided = False
        elif undecided and "\r" in text[:-1]:
            undecided, any_end = False, True
        if bad is not None:
            ends = len(_END.findall(text)) if any_end else text.count("\n")
            raise EncodingError(
                f"{label} is not {encoding}: line {lines + ends + 1}, {bad}; "
                "name its encoding, for example --encoding latin-1"
            )
        if text.endswith("\r"):  # an LF may follow
            text, pending_cr = text[:-1], "\r"
        for line in io.StringIO(text, newline="" if any_end else "\n"):
            characters += len(line)
            if not (line.endswith("\n") or (any_end and line.endswith("\r"))):
                unfinished.append(line)
                if characters > max_bytes:
                    if not lenient:
                        raise too_large(f"{label}, line {lines + 1}", max_bytes)
                    divided = True
                    yield LinePiece("".join(unfinished))
                    unfinished.clear()
                continue
            lines += 1
            if unfinished:
                line = "".join([*unfinished, line])  # noqa: PLW2901
                unfinished.clear()
            if not is_small(characters, max_bytes):
                location = f"{label}, line {lines}"
                line = _sized(line, location, max_bytes, last=divided, lenient=lenient)  # noqa: PLW2901
                divided = False
            characters = 0
            yield line
    if unfinished or pending_cr or divided:
        line, location = "".join([*unfinished, pending_cr]), f"{label}, line {lines + 1}"
        yield _sized(line, location, max_bytes, last=divided, lenient=lenient)


def _sized(line: str, location: str, max_bytes: int, *, last: bool, lenient: bool) -> str:
    """The line; as a piece if it has too many bytes, or is the ``last`` of several."""
    size = excess_size(line.rstrip("\r\n"), max_bytes)
    if size is None and not last:
        return line
    if not lenient:
        raise too_large(location, max_bytes, size)
    return LinePiece(line, last=True)


class LinePiece(str):
    """A piece of a line that has more bytes than a row may have; ``last``: it ends the line."""

    __slots__ = ("last",)
    last: bool

    def __new__(cls, text: str, *, last: bool = False) -> Self:
        piece = super().__new__(cls, text)
        piece.last = last
        return piece


def whole_lines(lines: Iterable[str], max_bytes: int) -> Iterator[str | BadValue]:
    """The lines; one bad value for each that came in pieces."""
    size = 0
    for line in lines:
        if not isinstance(line, LinePiece):
            yield line
            continue
        size += utf8_size(line.rstrip("\r\n") if line.last else line)
        if line.last:
            yield too_long(size, max_bytes)
            size = 0


def _decoded(
    chunks: Iterable[bytes], encoding: str, errors: str
) -> Iterator[tuple[str, str | None]]:
    """Pieces of text, each with None, or with a description of the bad byte that follows it.

    ``io.TextIOWrapper`` cannot tell the position of a bad byte.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    position = 0
    begun = False
    for chunk in chain(chunks, [b""]):
        pending = len(decoder.getstate()[0])
        bad = None
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(encoding, "ignore")
            offset = position - pending + error.start
            bad = f"byte {offset} is 0x{error.object[error.start]:02x}"
        except UnicodeError:
            text, bad = "", f"byte {position} should begin a byte order mark, and does not"
        position += len(chunk)
        if text and not begun:
            text, begun = text.removeprefix("\ufeff"), True
        if text or bad:
            yield text, bad
