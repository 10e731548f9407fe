"""stdin, stdout and stderr, which may be closed, full, or unable to show every character."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from poolwise.errors import StoreError

REPLACEMENTS = {
    "→": ">",
    "←": "<",
    "●": "*",
    "•": "*",
    "·": "*",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "×": "x",
    "²": "2",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "≠": "!=",
    "√": "sqrt ",
    "‖": "||",
    "ᵀ": "'",
    "Σ": "sum ",
    "γ": "gamma",
    "±": "+-",
    "η": "eta",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\u00a0": " ",
    "\u202f": " ",
}
"""Replacements of characters that the terminal's encoding (cp1252, ASCII) lacks."""

ENCODING_ERRORS = "poolwise.lacking"


class StdoutClosed(Exception):  # noqa: N818 - no error: ``| head`` has read what it wanted
    """The reader of stdout has closed it."""


class _Output(io.FileIO):
    """Stdout, whose errors are no OSErrors, which printing libraries would handle themselves."""

    def write(self, data: Any, /) -> int:
        count: int | None
        try:
            while (count := super().write(data)) is None:  # a pipe that was made not to wait
                select.select([], [self], [])
        except BrokenPipeError:
            raise StdoutClosed from None
        except OSError as error:
            if sys.platform == "win32" and error.errno == errno.EINVAL:  # its closed pipe
                raise StdoutClosed from None
            raise StoreError(
                f"standard output cannot be written: {error.strerror}; write to a file or a pipe "
                "that takes it"
            ) from error
        return count


class _Messages(io.FileIO):
    """Stderr; errors of writing to it are ignored."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(memoryview(data).cast("B"))


def open_closed() -> None:
    """Open closed descriptors 0 to 2, or the next file that is opened would take their place.

    In the opposite mode, so that reading from stdin or writing to stdout is an error.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)


def prepare() -> None:
    """Open closed streams, replace characters that they lack, and report errors of writing."""
    open_closed()
    codecs.register_error(ENCODING_ERRORS, _replacement)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
    if sys.stdout is sys.__stdout__:  # not where a test or a notebook has put its own
        sys.stdout = _reopened(sys.stdout, _Output(1, "w", closefd=False))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _reopened(sys.stderr, _Messages(2, "w", closefd=False))


def discard_unwritten() -> None:
    """Discard what stdout could not take, or the interpreter would write it again at its end."""
    try:
        sys.stdout.flush()
    except (StdoutClosed, StoreError):
        with open(os.devnull, "wb") as devnull:  # noqa: PTH123 - its descriptor is wanted
            os.dup2(devnull.fileno(), 1)


def shows_all(stream: TextIO) -> bool:
    """Whether the stream's encoding has every character."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def _reopened(old: TextIO | None, file: io.FileIO) -> TextIO:
    """``file`` in place of ``old``, with its encoding."""
    buffer = getattr(old, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # python -u has no buffer
    if old is not None and not isinstance(raw, io.FileIO):
        return old  # a Windows console, which takes any text
    file.name = f"<{'stdout' if file.fileno() == 1 else 'stderr'}>"
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding="utf-8" if old is None else old.encoding,
        errors=ENCODING_ERRORS,
        line_buffering=file.fileno() == 2 or file.isatty() or getattr(old, "write_through", False),
    )


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """The replacement of a character that cannot be written, or its number as Python writes it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(REPLACEMENTS.get(c) or _number(c) for c in lacking), error.end


def _number(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")
