"""What does not fit in memory: in a temporary file without a name, after a look at the disk."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from io import BufferedRandom
from math import prod

import numpy as np

from poolwise.errors import StudyError
from poolwise.records import Floats

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_FLOAT = np.dtype(np.float32).itemsize


def scratch_file(size: int, what: str, fewer: str) -> BufferedRandom:
    """An empty file that will hold ``size`` bytes, gone with the process however that ends.

    ``what`` is to lie there ("the words' vectors"), ``fewer`` says how to ask for less of it.
    Raises StudyError where the disk has no room.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > 0.9 * free:
        raise StudyError(
            f"{what} need {size / 1e9:.1f} GB of scratch space and {folder} has {free / 1e9:.1f} "
            f"GB free; {fewer}, or set TMPDIR to a larger disk"
        )
    return tempfile.TemporaryFile(prefix="poolwise-")


def scratch_array(shape: tuple[int, ...], what: str, fewer: str) -> Floats:
    """A float32 array in such a file, zeros at first.

    Raises StudyError where the disk has no room. It is taken now: a mapped file whose disk fills up
    later ends the process.
    """
    size = _FLOAT * prod(shape)
    with scratch_file(size, what, fewer) as file:
        try:
            if size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StudyError(
                    f"{what} need {size / 1e9:.1f} GB of scratch space, which "
                    f"{tempfile.gettempdir()} does not give ({error.strerror}); {fewer}, or set "
                    "TMPDIR to a larger disk"
                ) from error
        return np.memmap(file, np.float32, "w+", shape=shape)
