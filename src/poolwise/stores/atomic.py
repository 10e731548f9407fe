"""A file that appears under its name when it is complete, or never."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from poolwise.errors import StoreError

_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class AtomicFile:
    """A temporary file beside its target, open for writing and reading as ``file``.

    Raises StoreError at once if the target exists (unless ``overwrite``) or cannot be one.
    """

    def __init__(self, target: Path, overwrite: bool) -> None:
        self._shown = target
        self._target = target.resolve()
        self._overwrite = overwrite
        self._check()
        name = f".{self._target.name}.{secrets.token_hex(4)}.partial"
        self._temporary = self._target.with_name(name)
        self.file = self._temporary.open("x+b")

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
        if self._overwrite:
            self._temporary.replace(self._target)
        else:
            self._link()
        sync_path(self._target.parent)

    def withdraw(self) -> None:
        """Take back what was published."""
        self._target.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave no trace of what was not committed."""
        with suppress(OSError):  # closing flushes, and the disk may be full
            self.file.close()
        self._temporary.unlink(missing_ok=True)

    def _check(self) -> None:
        if not self._target.parent.is_dir():
            raise StoreError(f"no folder {self._shown.parent} to write {self._shown.name} in")
        if not self._target.exists():
            return
        if not self._target.is_file():
            raise StoreError(f"{self._shown} is not a regular file; choose another name")
        if not self._overwrite:
            raise self._exists()

    def _link(self) -> None:
        """A hard link, unlike a rename, never replaces what somebody else has put there."""
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
        else:
            self._temporary.unlink()

    def _exists(self) -> StoreError:
        return StoreError(f"{self._shown} exists; choose another name, or --force to replace it")


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, which takes the name ``path``, or the place of what stood there, when the
    block ends without error. Raises StoreError where it cannot be written."""
    with refusals_told(path):
        output = AtomicFile(path, overwrite=True)
        try:
            yield output.file
            output.commit()
        except BaseException:
            output.discard()
            raise


@contextmanager
def refusals_told(path: Path) -> Iterator[None]:
    """What the disk refuses is a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; choose another folder, or make "
            "room there"
        ) from error


def sync_path(path: Path) -> None:
    """Make a file or a folder's list of names durable."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
