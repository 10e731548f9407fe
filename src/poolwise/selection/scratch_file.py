"""What does not fit in memory: in a temporary file without a name, after a look at the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from io import BufferedRandom
from math import prod

import numpy as np

from poolwise.errors import StudyError
from poolwise.records import Floats

_FLOAT = np.dtype(np.float32).itemsize


def scratch_file(size: int, what: str, fewer: str) -> BufferedRandom:
    """An empty file that will hold ``size`` bytes, gone with the process however that ends.

    ``what`` is to lie there ("the words' vectors"), ``fewer`` says how to ask for less of it.
    Raises StudyError where the disk has no room.
    """
    needed = f"{what} need {size / 1e9:.1f} GB of scratch space and"
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if size > 0.9 * free:
            raise StudyError(
                f"{needed} {folder} has {free / 1e9:.1f} GB free; {fewer}, or set TMPDIR to a "
                "larger disk"
            )
        return _allocated(size)
    except OSError as error:
        raise StudyError(
            f"{needed} there is none: {error.strerror or error}; {fewer}, or set TMPDIR to a disk "
            "that takes it"
        ) from error


def _allocated(size: int) -> BufferedRandom:
    """With all its room at once: of a mapped file the page that finds none ends the process."""
    file = tempfile.TemporaryFile(prefix="poolwise-")  # noqa: SIM115 - the caller's
    try:
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
    except BaseException:
        file.close()
        raise
    return file


def scratch_array(shape: tuple[int, ...], what: str, fewer: str) -> Floats:
    """A float32 array in such a file, zeros at first.

    Raises StudyError where the disk has no room.
    """
    with scratch_file(_FLOAT * prod(shape), what, fewer) as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
