"""One file of text, or standard input: opened, decompressed, decoded, its lines counted."""

from __future__ import annotations

import bz2
import difflib
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from poolwise.errors import TextError
from poolwise.texts.contents import (
    BZIP2,
    GZIP,
    HEAD,
    XZ,
    ZSTANDARD,
    compression_of,
    encoding_of,
)
from poolwise.texts.decoding import check_encoding, decoded_lines

STDIN = "-"


def _zstandard(stored: IO[bytes]) -> Any:
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - others need none

    return pa.input_stream(stored, compression="zstd")


_DECOMPRESS: dict[str, Callable[[IO[bytes]], Any]] = {
    GZIP: gzip.open,
    BZIP2: bz2.open,
    XZ: lzma.open,
    ZSTANDARD: _zstandard,
}

COMPRESSED = {".gz": GZIP, ".bz2": BZIP2, ".xz": XZ, ".zst": ZSTANDARD}
"""By suffix. How a file is compressed its first bytes say; that it is not, the suffix denies."""

_CHUNK = 1 << 18
_SAMPLE = 1 << 28
"""Lines are counted in so many bytes at most; beyond, their number is an estimate."""

_ZIP_HEAD = 1 << 16
"""Bytes of a zip archive in which it shows what it is."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """``path`` as the user wrote it, ``-`` for standard input."""

    path: str
    encoding: str = "utf-8"

    @property
    def label(self) -> str:
        """How an error names it."""
        return "standard input" if self.path == STDIN else self.path

    @property
    def repeatable(self) -> bool:
        """Can it be read twice? Pipes cannot."""
        return self.path != STDIN and Path(self.path).is_file()

    def check(self) -> None:
        """Raise TextError unless there is something to read and a way to decode it."""
        check_encoding(self.encoding)
        path = Path(self.path)
        if self.path == STDIN:
            return
        if path.is_dir():
            raise TextError(
                f"{path} is a folder; name the files in it, "
                f"or write hf:{path.resolve()} if it is a Hugging Face dataset"
            )
        if not path.exists():
            raise TextError(f"no such file: {path}{_close_names(path)}")

    def lines(self, *, any_end: bool = False) -> Iterator[str]:
        """The lines with their ends; the last may have none. A byte order mark is dropped.

        With ``any_end`` a lone CR ends a line too, as the csv module wants them.
        """
        with reading(self.label), self._open() as (_, content):
            head = content.read(HEAD)
            if head.startswith(b"PK"):
                head += content.read(_ZIP_HEAD)
            encoding = encoding_of(head, self.encoding, self.label)
            chunks = chain([head + _more(content)], iter(lambda: _more(content), b""))
            yield from decoded_lines(chunks, encoding, self.label, any_end=any_end)

    def count_lines(self) -> int | None:
        """Exact up to 256 MB (decompressed), an estimate beyond, None if it is a pipe."""
        if not self.repeatable:
            return None
        lines, seen, last = 0, 0, b"\n"
        with reading(self.label), self._open() as (stored, content):
            while seen < _SAMPLE and (chunk := content.read(_CHUNK)):
                lines, seen, last = lines + chunk.count(b"\n"), seen + len(chunk), chunk[-1:]
            whole = not content.read(1)
            share = stored.tell() / max(Path(self.path).stat().st_size, 1)
        return lines + (last != b"\n") if whole else round(lines / share)

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The stored bytes and their decompressed content."""
        if self.path == STDIN:
            with self._decompressed(sys.stdin.buffer) as content:
                yield sys.stdin.buffer, content
            return
        with Path(self.path).open("rb") as stored, self._decompressed(stored) as content:
            yield stored, content

    @contextmanager
    def _decompressed(self, stored: IO[bytes]) -> Iterator[IO[bytes]]:
        head = stored.read(HEAD)
        whole = stored
        if self.repeatable:
            stored.seek(0)
        else:
            whole = io.BufferedReader(_Rejoined(head, stored), _CHUNK)
        compression = compression_of(head)
        if compression is not None:
            with _DECOMPRESS[compression](whole) as content:
                yield content
            return
        claimed = COMPRESSED.get(Path(self.path).suffix.lower())
        if claimed is not None and head:
            raise TextError(
                f"{self.label} is not compressed with {claimed}, as its suffix says; "
                "take the suffix away, or fetch the file again"
            )
        yield whole


class _Rejoined(io.RawIOBase):
    """What has been read of a stream, and the rest of it: pipes cannot be wound back."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            taken = self._head or self._rest.read1(len(view))  # type: ignore[attr-defined]
            given, self._head = taken[: len(view)], taken[len(view) :]
            view[: len(given)] = given
            return len(given)


def _more(content: IO[bytes]) -> bytes:
    more: bytes = content.read1(_CHUNK)  # type: ignore[attr-defined]
    return more


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what can go wrong while bytes are read into a TextError."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise TextError(f"{label} is damaged: {error}") from error
    except OSError as error:
        raise TextError(f"cannot read {label}: {error.strerror or error}") from error


def _close_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor is there a folder {path.parent})"
    names = [entry.name for entry in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=3)
    return f" (there is {', '.join(sorted(close))})" if close else ""
