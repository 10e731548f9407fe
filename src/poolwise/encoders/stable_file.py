"""A file that is read piece by piece into memory of one's own, and must stay as it is meanwhile.

Not mapped: a mapped file that another program cuts short ends this process at its next look there
(SIGBUS), and one that is written over in place changes numbers that were checked before.
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
    """A regular file as it was when it was first looked at; ``size`` in bytes."""

    path: Path
    size: int
    _state: tuple[int, ...]

    @classmethod
    def look(cls, path: Path) -> StableFile:
        """Raises EncoderError where there is no such file."""
        if not path.is_file():
            raise EncoderError(f"{path}: no such file")
        with _said(path):
            found = path.stat()
        return cls(path, found.st_size, _state(found))

    def read(self, begin: int, end: int) -> bytes:
        """Bytes ``begin`` to ``end``. Raises EncoderError as ``Opened.fill`` does."""
        found = np.empty(end - begin, np.uint8)
        with self.opened() as file:
            file.fill(begin, found)
        return found.tobytes()

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Raises EncoderError for a file that cannot be opened."""
        with _said(self.path), self.path.open("rb", buffering=0) as file:
            yield Opened(self, file)


@dataclass(frozen=True, slots=True)
class Opened:
    """A StableFile, open."""

    stable: StableFile
    file: FileIO

    def fill(self, begin: int, found: Bytes) -> None:
        """Read ``found``, uint8 [bytes], from byte ``begin`` on.

        Raises EncoderError where that cannot be read, or the file is not what it was any more: what
        was checked and what is read would be two files.
        """
        view, done = found.data, 0
        with _said(self.stable.path):
            self.file.seek(begin)
            while done < len(view) and (more := self.file.readinto(view[done:])):
                done += more
            state = _state(os.fstat(self.file.fileno()))
        if done < len(view) or state != self.stable._state:
            raise EncoderError(
                f"{self.stable.path}: changed while it was read; load it again once it is written"
            )


def _state(of: os.stat_result) -> tuple[int, ...]:
    return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read: {error.strerror}") from error
