"""stdin, stdout and stderr, which may be closed, full, or unable to show every character."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import Any, TextIO

from poolwise.errors import StoreError

STAND_INS = {
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
    "±": "+-",
    "η": "eta",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\u00a0": " ",
    "\u202f": " ",
}
"""What stands for a character where the terminal's encoding (cp1252, ASCII) lacks it."""

LACKING = "poolwise.lacking"


class ReaderGone(Exception):  # noqa: N818 - no error: ``| head`` has read what it wanted
    """Nobody reads stdout any more."""


class _Output(io.FileIO):
    """Stdout. Not OSError, which the libraries that print would take for their own affair."""

    def write(self, data: Any, /) -> int:
        written: int | None
        try:
            while (written := super().write(data)) is None:  # a pipe that was made not to wait
                select.select([], [self], [])
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise StoreError(
                f"standard output cannot be written: {error.strerror}; write to a file or a pipe "
                "that takes it"
            ) from error
        return written


class _Messages(io.FileIO):
    """Stderr: where it cannot be written, nobody can be told."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(memoryview(data).cast("B"))


def open_closed() -> None:
    """Open what is closed: the next file that is opened would get what is meant for a terminal.

    The wrong way round, so that to read from stdin or to write to stdout is an error, and not to
    do so is none.
    """
    for number, way in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, way), True)


def prepare() -> None:
    """Have no stream closed, and none that a character or a full disk can make fail untold."""
    open_closed()
    codecs.register_error(LACKING, _stand_in)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
    if sys.stdout is sys.__stdout__:  # not where a test or a notebook has put its own
        sys.stdout = _opened(sys.stdout, _Output(1, "w", closefd=False))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _opened(sys.stderr, _Messages(2, "w", closefd=False))


def let_go() -> None:
    """What stdout could not take is not written again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except (ReaderGone, StoreError):
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - its descriptor is wanted
            os.dup2(nowhere.fileno(), 1)


def shows_all(stream: TextIO) -> bool:
    """Whether the stream's encoding has every character."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def _opened(old: TextIO | None, file: io.FileIO) -> TextIO:
    """``file`` in place of ``old``, with its encoding."""
    buffer = getattr(old, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # python -u has no buffer
    if old is not None and not isinstance(raw, io.FileIO):
        return old  # a Windows console, which takes any text
    file.name = f"<{'stdout' if file.fileno() == 1 else 'stderr'}>"
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding="utf-8" if old is None else old.encoding,
        errors=LACKING,
        line_buffering=file.fileno() == 2 or file.isatty() or getattr(old, "write_through", False),
    )


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For a character that cannot be written: its stand-in, or its number as Python writes it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(STAND_INS.get(c) or _number(c) for c in lacking), error.end


def _number(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")
