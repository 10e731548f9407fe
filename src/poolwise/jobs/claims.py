"""Which parts are being made, so that two processes do not make the same one.

Each part is a byte of one file, locked by the process that makes it; the system lets go of the lock
however that process ends. A claim saves work and nothing depends on it: where there are no locks
(Windows, some network file systems) two processes may make one part, and the second to finish
finds its name taken.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poolwise.files import os_errors_as

if sys.platform != "win32":
    import fcntl


class Claims:
    """The claims of this process. One object a process and file: closing a second would release
    the locks of the first (POSIX). Raises StoreError where the file cannot be made."""

    def __init__(self, path: Path) -> None:
        with os_errors_as(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    @contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Whether this process may make the part while the block runs; False: another one does."""
        claimed = self._lock(number)
        try:
            yield claimed
        finally:
            if claimed:
                self._unlock(number)

    def close(self) -> None:
        os.close(self._descriptor)

    def _lock(self, number: int) -> bool:
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            return True  # the file system has no locks
        return True

    def _unlock(self, number: int) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
        except OSError:
            return
