"""What the operating system refuses, as an error with its exit code and what to do."""

from __future__ import annotations

import errno
import os

from poolwise.errors import PoolwiseError, StoreError

ROOM = "make room there, or write elsewhere (TMPDIR is where scratch files go)"

UNWRITABLE = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "the limit of a file's size is reached: raise it (ulimit -f), or ask for less",
    errno.EROFS: "write elsewhere",
}
"""What only who writes is told."""

ADVICE = {
    errno.EACCES: "change who may use it, or name another place",
    errno.EPERM: "change who may use it, or name another place",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "end other programs, or raise the system's limit of open files",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.ENOENT: "it was expected there; has it been moved or deleted meanwhile?",
    errno.EIO: "the disk, or the way to it, fails: look at the system's log",
    errno.ENOMEM: "end other programs, or ask for less (--limit, --max-length)",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
}


def refused(error: OSError) -> PoolwiseError:
    """The error as a sentence; StoreError where something could not be written."""
    what = error.strerror or str(error) or type(error).__name__
    where = [os.fsdecode(name) for name in (error.filename, error.filename2) if _is_path(name)]
    kind = StoreError if error.errno in UNWRITABLE else PoolwiseError
    advice = (UNWRITABLE | ADVICE).get(error.errno or 0, "look at what stands there")
    return kind(f"{' and '.join(where) or 'the operating system refuses'}: {what}; {advice}")


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes)


def out_of_memory() -> PoolwiseError:
    """The error of a MemoryError."""
    return PoolwiseError(
        "there is not enough memory; end other programs, or ask for less: fewer texts (--limit), "
        "shorter ones (--max-length), fewer readouts"
    )
