"""Which parts are being made, so that two processes do not make the same one.

Each part is a byte of one file, locked by the process that makes it; the system lets go of the lock
however that process ends. A claim saves work and nothing depends on it: where there are no locks
(some network file systems) two processes may make one part, and the second to finish finds its
name taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poolwise.files import os_errors_as
from poolwise.jobs.byte_locks import lock_byte, unlock_byte


class Claims:
    """The claims of this process. One object a process and file: closing a second would release
    the locks of the first (POSIX). Raises StoreError where the file cannot be made."""

    def __init__(self, path: Path) -> None:
        with os_errors_as(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    @contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Whether this process may make the part while the block runs; False: another one does."""
        claimed = lock_byte(self._descriptor, number)
        try:
            yield claimed
        finally:
            if claimed:
                unlock_byte(self._descriptor, number)

    def close(self) -> None:
        os.close(self._descriptor)
