"""A file that appears under its name when it is complete, or never."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from poolwise.errors import NameTakenError, StoreError
from poolwise.files.durable import real_path, sync_path
from poolwise.files.leftovers import Lock, clear_leftovers, finished, hidden, lock_new

_NO_HARD_LINKS = {
    *(errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK),
    errno.EINVAL,  # Windows, of FAT
}


class AtomicFile:
    """A temporary file beside its target, open for writing and reading as ``file``.

    What a killed run left of the same target is removed. Raises StoreError at once if the target
    cannot be one, OSError where nothing can be written there, and NameTakenError if the target
    exists (unless ``overwrite``), at once or where another process has made it meanwhile.
    """

    def __init__(self, target: Path, overwrite: bool) -> None:
        self._shown = target
        self._target = real_path(target)
        self.overwrite = overwrite
        self._lock: Lock | None = None
        self._renamed = False
        self._check()
        clear_leftovers(self._target.parent, self._target.name)
        self._check_free()
        self._open()

    def commit(self) -> None:
        """Make the content durable, then visible."""
        self.sync()
        self.publish()

    def sync(self) -> None:
        """Make the content durable: what can fail for want of room has then not failed."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def publish(self) -> None:
        """Make the content visible under its name."""
        self.place()
        self.finish()

    def place(self) -> None:
        """Give the content its name; without ``overwrite`` it keeps the temporary one, too."""
        if self.overwrite:
            self._temporary.replace(self._target)
        else:
            self._link()
        sync_path(self._target.parent)

    @property
    def waits(self) -> bool:
        """Whether the content still has its temporary name."""
        return self._temporary.exists()

    def make_room(self) -> None:
        """Remove the file that will be replaced, ahead of time."""
        if self.overwrite:
            self._target.unlink(missing_ok=True)

    def finish(self) -> None:
        """Drop the temporary name."""
        self._temporary.unlink(missing_ok=True)
        self._release()

    def withdraw(self) -> None:
        """Take back what was placed, while it has both names."""
        with suppress(FileNotFoundError):
            if self._renamed or self._temporary.samefile(self._target):
                self._target.unlink()

    def discard(self) -> None:
        """Leave no trace of what was not committed."""
        with suppress(OSError):  # closing flushes, and the disk may be full
            self.file.close()
        self._temporary.unlink(missing_ok=True)
        self._release()

    def _open(self) -> None:
        while self._lock is None:
            self._temporary = hidden(self._target)
            self.file: BinaryIO = self._temporary.open("x+b")
            try:
                self._lock = lock_new(self._temporary)
                if self.overwrite and self._lock and self._target.exists():
                    self._temporary.chmod(stat.S_IMODE(self._target.stat().st_mode))
            except BaseException:
                self.discard()
                raise
            if self._lock is None:
                self.file.close()

    def _release(self) -> None:
        finished(self._temporary)
        if self._lock is not None:
            self._lock.release()

    def _check(self) -> None:
        if not self._target.parent.is_dir():
            raise StoreError(f"no folder {self._shown.parent} to write {self._shown.name} in")
        if self._target.exists() and not self._target.is_file():
            raise StoreError(f"{self._shown} is not a regular file; choose another name")

    def _check_free(self) -> None:
        if not self.overwrite and self._target.exists():
            raise self._exists()

    def _link(self) -> None:
        """A hard link, unlike a rename, never replaces what another process has put there."""
        try:
            os.link(self._temporary, self._target)
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if self._target.exists():
                raise self._exists() from None
            self._temporary.replace(self._target)
            self._renamed = True

    def _exists(self) -> NameTakenError:
        return NameTakenError(
            f"{self._shown} exists; choose another name, or --force to replace it"
        )


@contextmanager
def atomic_write(path: Path, *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A file to fill, which takes the name ``path``, or the place of what stood there, when the
    block ends without error. Raises StoreError where it cannot be written."""
    with os_errors_as(path):
        output = AtomicFile(path, overwrite)
        try:
            yield output.file
            output.commit()
        except BaseException:
            output.discard()
            raise


@contextmanager
def os_errors_as(path: Path) -> Iterator[None]:
    """What the disk refuses is a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; choose another folder, or make "
            "room there"
        ) from error
