"""Two folders exchange their names in one step, where the system can do that."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV, errno.EPERM}


def exchange(one: Path, other: Path) -> bool:
    """Linux's renameat2; False where there is none. Raises OSError where it fails."""
    if sys.platform != "linux":
        return False
    import ctypes  # noqa: PLC0415 - few runs replace a folder

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if call(*names, _RENAME_EXCHANGE) == 0:
        return True
    found = ctypes.get_errno()
    if found in _CANNOT:
        return False
    raise OSError(found, os.strerror(found), str(one))
