"""One file of text, or standard input: opened, decompressed, decoded, its lines counted."""

from __future__ import annotations

import difflib
import gzip
import io
import lzma
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from poolwise.errors import TextError
from poolwise.texts.compression import CHUNK, COMPRESSED, unpacked
from poolwise.texts.contents import HEAD, compression_of, encoding_of
from poolwise.texts.decoding import check_encoding, decoded_lines
from poolwise.texts.limits import MAX_TEXT_BYTES, check_limit
from poolwise.texts.remote_files import is_url, open_remote, remote_info, shown_url

STDIN = "-"

_NOT_FILES = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
"""Kinds of paths that hold no texts. A named pipe does, once."""

_MAX_COUNTED = 1 << 28
"""Bytes in which lines are counted; beyond, their number is an estimate."""

_MAX_FETCHED = 1 << 24
"""The same of a file that is not on this machine."""

_ZIP_HEAD = 1 << 16
"""Bytes of a zip archive that tell its format."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """``path`` as the user wrote it, a URL too, ``-`` for standard input. A row has at most
    ``max_bytes``."""

    path: str
    encoding: str = "utf-8"
    max_bytes: int = MAX_TEXT_BYTES

    @property
    def label(self) -> str:
        """How an error names it."""
        if self.path == STDIN:
            return "standard input"
        return shown_url(self.path) if is_url(self.path) else self.path

    @property
    def repeatable(self) -> bool:
        """Can it be read twice? Pipes cannot."""
        return is_url(self.path) or (self.path != STDIN and Path(self.path).is_file())

    def check(self) -> None:
        """Raise TextError unless there is something to read and a way to decode it."""
        check_encoding(self.encoding)
        check_limit(self.max_bytes)
        if is_url(self.path):
            remote_info(self.path)
        elif self.path != STDIN:
            with reading(self.label):
                _check_file(Path(self.path))

    def lines(self, *, any_end: bool = False, lenient: bool = False) -> Iterator[str]:
        """The lines with their ends; the last may have none. A byte order mark is dropped.

        Raises TextError at one of more than ``max_bytes`` bytes, before it is read to its end. With
        ``any_end`` a lone CR ends a line too, as the csv module wants them. If it is ``lenient``,
        long lines and bad bytes come as ``decoded_lines`` has them.
        """
        with reading(self.label), self._open() as (_, content):
            head = content.read(HEAD)
            if head.startswith(b"PK"):
                head += content.read(_ZIP_HEAD)
            encoding = encoding_of(head, self.encoding, self.label)
            chunks = chain([head + _next_chunk(content)], iter(lambda: _next_chunk(content), b""))
            yield from decoded_lines(
                chunks,
                encoding,
                self.label,
                any_end=any_end,
                max_bytes=self.max_bytes,
                lenient=lenient,
            )

    def count_lines(self) -> int | None:
        """Exact up to 256 MB (decompressed; 16 MB behind a URL), an estimate beyond; None if it is
        a pipe, or its store does not tell its size."""
        if not self.repeatable:
            return None
        lines, total, last = 0, 0, b"\n"
        most = _MAX_FETCHED if is_url(self.path) else _MAX_COUNTED
        with reading(self.label), self._open() as (stored, content):
            while total < most and (chunk := content.read(CHUNK)):
                lines, total, last = lines + chunk.count(b"\n"), total + len(chunk), chunk[-1:]
            complete = not content.read(1)
            if complete:
                return lines + (last != b"\n")
            size = self._size()
            return None if size is None else round(lines / (stored.tell() / max(size, 1)))

    def _size(self) -> int | None:
        """Bytes as it is stored."""
        if is_url(self.path):
            size: int | None = remote_info(self.path).get("size")
            return size
        return Path(self.path).stat().st_size

    def stored(self) -> AbstractContextManager[IO[bytes]]:
        """Its bytes as they are stored; it is not standard input."""
        return open_remote(self.path) if is_url(self.path) else Path(self.path).open("rb")

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The stored bytes and their decompressed content."""
        if self.path == STDIN:
            with self._decompressed(sys.stdin.buffer) as content:
                yield sys.stdin.buffer, content
            return
        with self.stored() as stored, self._decompressed(stored) as content:
            yield stored, content

    @contextmanager
    def _decompressed(self, stored: IO[bytes]) -> Iterator[IO[bytes]]:
        head = stored.read(HEAD)
        stream = stored
        if self.repeatable and stored.seekable():
            stored.seek(0)
        else:
            stream = io.BufferedReader(_Rejoined(head, stored), CHUNK)
        compression = compression_of(head)
        if compression is not None:
            with unpacked(stream, compression, self.label) as content:
                yield content
            return
        expected = COMPRESSED.get(Path(self.label).suffix.lower())
        if expected is not None and head:
            raise TextError(
                f"{self.label} is not compressed with {expected}, as its suffix says; "
                "take the suffix away, or fetch the file again"
            )
        yield stream


class _Rejoined(io.RawIOBase):
    """The bytes already read from a pipe, followed by the remaining ones."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            data = self._head or self._stream.read1(len(view))  # type: ignore[attr-defined]
            part, self._head = data[: len(view)], data[len(view) :]
            view[: len(part)] = part
            return len(part)


def _next_chunk(content: IO[bytes]) -> bytes:
    more: bytes = content.read1(CHUNK)  # type: ignore[attr-defined]
    return more


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Raise a TextError for the errors of reading bytes."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise TextError(f"{label} is damaged: {error}") from error
    except OSError as error:
        raise TextError(f"cannot read {label}: {error.strerror or error}") from error
    except MemoryError as error:
        raise TextError(f"cannot read {label}: it takes more memory than there is") from error


def _check_file(path: Path) -> None:
    """Raise TextError unless it is a file or a named pipe."""
    if path.is_dir():
        raise TextError(
            f"{path} is a folder; name the files in it, "
            f"or write hf:{path.resolve()} if it is a Hugging Face dataset"
        )
    if not path.exists():
        raise TextError(f"no such file: {path}{_close_names(path)}")
    kind = _NOT_FILES.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise TextError(f"{path} is {kind}, expected a file, or - for standard input")


def _close_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor is there a folder {path.parent})"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=3)
    return f" (there is {', '.join(sorted(close))})" if close else ""
