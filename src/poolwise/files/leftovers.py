"""Hidden names that killed runs left behind, as opposed to those in use, are removed.

A hidden name that is written to is locked (flock), and the system lets go of the lock however its
process ends. Where locks say nothing (another machine wrote it, or the file system has none) only
what has not been touched for ``OLD`` counts as left. What belongs to another user, and links, stay.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

if sys.platform != "win32":
    import fcntl

OLD = 7 * 86_400.0
"""Seconds."""

PARTIAL, ASIDE = "partial", "old"
"""What is not yet under its name, or never will be; and what comes back to it."""

_LEFT = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{4})[0-9a-f]{4}\.(?P<kind>partial|old)", re.S)


_unfinished: set[tuple[int, Path]] = set()
"""Hidden names, and the processes that gave them."""


def hidden(place: Path, kind: str = PARTIAL) -> Path:
    """A new name beside ``place``. Part of it identifies this machine."""
    path = place.with_name(f".{place.name}.{_host()}{os.urandom(2).hex()}.{kind}")
    _unfinished.add((os.getpid(), path))
    return path


def finished(path: Path) -> None:
    """Forget a hidden name that no longer exists."""
    _unfinished.discard((os.getpid(), path))


def remove_unfinished() -> None:
    """Remove what this process has under hidden names; what was put aside comes back.

    For a process that ends: an interruption may come between a file and who would remove it.
    """
    for path in [path for process, path in _unfinished if process == os.getpid()]:
        with suppress(OSError):
            _clear(path)


class Lock:
    """Says that ``path`` is in use, until ``release`` or the end of this process.

    Raises BlockingIOError where another process has it. ``acquired`` is False where the file system
    knows no locks.
    """

    def __init__(self, path: Path) -> None:
        self.acquired = False
        self._descriptor: int | None = None
        if sys.platform == "win32":
            return
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        self._descriptor = os.open(path, flags)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.acquired = True
        except BlockingIOError:
            self.release()
            raise
        except OSError:
            pass

    def is_of(self, path: Path) -> bool:
        """Whether ``path`` still is what was locked."""
        if self._descriptor is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._descriptor), path.lstat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """In use while the block runs."""
    lock = Lock(path)
    try:
        yield
    finally:
        lock.release()


def lock_new(path: Path) -> Lock | None:
    """The lock of what has just been made; None where another process took it for left, and
    another name is to be made."""
    try:
        lock = Lock(path)
    except (BlockingIOError, FileNotFoundError):
        return None
    if lock.is_of(path):
        return lock
    lock.release()
    return None


def leftovers(folder: Path, name: str | None = None) -> Iterator[Path]:
    """What killed runs left in ``folder``, of all names or of one."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return
    for entry in sorted(names):
        match = _LEFT.fullmatch(entry)
        if match and name in (None, match["name"]) and _is_left(folder / entry, match["host"]):
            yield folder / entry


def clear_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed runs left in ``folder``; what was put aside comes back, if its name is
    free. What cannot be removed stays."""
    for left in leftovers(folder, name):
        with suppress(OSError), locked(left):
            _clear(left)


def _clear(left: Path) -> None:
    match = _LEFT.fullmatch(left.name)
    assert match is not None
    place = left.with_name(match["name"])
    if match["kind"] == ASIDE and left.exists() and not os.path.lexists(place):
        left.rename(place)
    else:
        remove(left)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that it holds. No link is followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no part of it is ever seen under its name."""
    away = hidden(folder)
    with suppress(FileNotFoundError), locked(folder):
        folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)


def _is_left(path: Path, host: str) -> bool:
    """Whether no living process writes to it, as far as is known, and it is this user's."""
    try:
        status = path.lstat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            return False
        if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
            return False
        lock = Lock(path)
    except OSError:  # in use, or gone meanwhile
        return False
    lock.release()
    return (lock.acquired and host == _host()) or time.time() - status.st_mtime > OLD


def _host() -> str:
    return sha256(platform.node().encode("utf-8", "surrogateescape")).hexdigest()[:4]
