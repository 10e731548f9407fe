"""A file that is read piece by piece into memory, and must not change meanwhile.

It is not mapped: if another program truncates a mapped file, the next read ends this process
(SIGBUS), and if it overwrites it in place, numbers change after they were checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import EncoderError

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StableFile:
    """A regular file in the state of its first ``stat``; ``size`` in bytes."""

    path: Path
    size: int
    _state: tuple[int, ...]

    @classmethod
    def stat(cls, path: Path) -> StableFile:
        """The file at ``path``. Raises EncoderError where there is none."""
        if not path.is_file():
            raise EncoderError(f"{path}: no such file")
        # Of the open file, as ``fill`` asks: Windows may tell another device and number of a path.
        with _read_errors(path), path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
        return cls(path, status.st_size, _state(status))

    def read(self, begin: int, end: int) -> bytes:
        """Bytes ``begin`` to ``end``. Raises EncoderError as ``StableReader.fill`` does."""
        data = np.empty(end - begin, np.uint8)
        with self.open() as reader:
            reader.fill(begin, data)
        return data.tobytes()

    @contextmanager
    def open(self) -> Iterator[StableReader]:
        """A reader of the file. Raises EncoderError for a file that cannot be opened."""
        with _read_errors(self.path), self.path.open("rb", buffering=0) as file:
            yield StableReader(self, file)


@dataclass(frozen=True, slots=True)
class StableReader:
    """An open StableFile."""

    stable: StableFile
    file: FileIO

    def fill(self, begin: int, buffer: Bytes) -> None:
        """Fill ``buffer``, uint8 [bytes], from byte ``begin`` on.

        Raises EncoderError where that cannot be read, or where the file has changed since its
        first ``stat``: the checks would be of another file.
        """
        view, n_read = buffer.data, 0
        with _read_errors(self.stable.path):
            self.file.seek(begin)
            while n_read < len(view) and (count := self.file.readinto(view[n_read:])):
                n_read += count
            state = _state(os.fstat(self.file.fileno()))
        if n_read < len(view) or state != self.stable._state:
            raise EncoderError(
                f"{self.stable.path}: changed while it was read; load it again once it is written"
            )


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read: {error.strerror}") from error
