"""Decompression while a file is read, bounded by its ratio."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from poolwise.texts.contents import BZIP2, GZIP, XZ, ZSTANDARD
from poolwise.texts.limits import check_ratio

CHUNK = 1 << 18


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
"""By suffix. A file's first bytes tell its compression; one with such a suffix must have it."""


@contextmanager
def unpacked(stored: IO[bytes], compression: str, label: str) -> Iterator[IO[bytes]]:
    """The decompressed content of ``stored``. Raises TextError beyond the ratio of texts."""
    packed = _CountingReader(stored)
    with _DECOMPRESS[compression](io.BufferedReader(packed)) as content:
        yield io.BufferedReader(_CheckedReader(content, packed, label), CHUNK)


class _CountingReader(io.RawIOBase):
    """Counts the bytes that are read."""

    def __init__(self, stored: IO[bytes]) -> None:
        self._stored = stored
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            data = self._stored.read1(len(view))  # type: ignore[attr-defined]
            view[: len(data)] = data
            self.count += len(data)
            return len(data)


class _CheckedReader(_CountingReader):
    """Compares the number of decompressed bytes with that of compressed ones."""

    def __init__(self, content: Any, packed: _CountingReader, label: str) -> None:
        super().__init__(content)
        self._packed = packed
        self._label = label

    def readinto(self, buffer: Any) -> int:
        data = super().readinto(buffer)
        check_ratio(self._label, self._packed.count, self.count)
        return data
