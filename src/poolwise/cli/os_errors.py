"""Errors of the operating system as PoolwiseErrors, with an exit code and advice."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from poolwise.errors import PoolwiseError, StoreError

ROOM = "make room there, or write elsewhere (TMPDIR is where scratch files go)"

WRITE_ADVICE = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "the limit of a file's size is reached: raise it (ulimit -f), or ask for less",
    errno.EROFS: "write elsewhere",
}
"""Advice for errors of writing."""

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


@contextmanager
def as_poolwise_errors() -> Iterator[None]:
    """Raise OSError, MemoryError and panics of Rust libraries as PoolwiseError."""
    try:
        yield
    except OSError as error:
        raise _as_poolwise_error(error) from error
    except MemoryError as error:
        raise PoolwiseError(
            "there is not enough memory; end other programs, or ask for less: fewer texts "
            "(--limit), shorter ones (--max-length), fewer readouts"
        ) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of a library in Rust
            raise
        raise PoolwiseError(
            f"a library gave up: {error}; is the machine short of memory, disk or open files?"
        ) from error


def _as_poolwise_error(error: OSError) -> PoolwiseError:
    """StoreError where something could not be written."""
    reason = error.strerror or str(error) or type(error).__name__
    paths = (name for name in (error.filename, error.filename2) if isinstance(name, str | bytes))
    place = " and ".join(os.fsdecode(name) for name in paths)
    kind = StoreError if error.errno in WRITE_ADVICE else PoolwiseError
    advice = (WRITE_ADVICE | ADVICE).get(error.errno or 0, "look at what stands there")
    return kind(f"{place or 'the operating system refuses'}: {reason}; {advice}")
