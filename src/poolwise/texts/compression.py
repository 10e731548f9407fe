"""What is compressed: unpacked as it is read."""

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
"""By suffix. How a file is compressed its first bytes say; that it is not, the suffix denies."""


@contextmanager
def unpacked(stored: IO[bytes], compression: str, label: str) -> Iterator[IO[bytes]]:
    """The content of ``stored``. Reading on raises TextError where it holds more than text can."""
    packed = _Counted(stored)
    with _DECOMPRESS[compression](io.BufferedReader(packed)) as content:
        yield io.BufferedReader(_Unpacked(content, packed, label), CHUNK)


class _Counted(io.RawIOBase):
    """Bytes, counted as they are read."""

    def __init__(self, stored: IO[bytes]) -> None:
        self._stored = stored
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            taken = self._stored.read1(len(view))  # type: ignore[attr-defined]
            view[: len(taken)] = taken
            self.count += len(taken)
            return len(taken)


class _Unpacked(_Counted):
    """What comes out, compared with what has gone in."""

    def __init__(self, content: Any, packed: _Counted, label: str) -> None:
        super().__init__(content)
        self._packed = packed
        self._label = label

    def readinto(self, buffer: Any) -> int:
        taken = super().readinto(buffer)
        check_ratio(self._label, self._packed.count, self.count)
        return taken
