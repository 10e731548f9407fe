"""Syncing files and folders to the disk, and where links lead."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def real_path(path: Path) -> Path:
    """Where links lead. ``Path.resolve`` raises RuntimeError where they lead in a circle; this
    gives a path that nothing can be found under."""
    return Path(os.path.realpath(path))


def sync_path(path: Path) -> None:
    """Make a file or a folder's list of names durable. Windows keeps its lists of names itself."""
    if sys.platform == "win32":
        if path.is_file():
            with suppress(PermissionError):  # it may be read only
                _sync(path, os.O_RDWR)  # what is open for reading cannot be flushed there
    else:
        _sync(path, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make a folder durable with all that it holds."""
    for path in (*folder.rglob("*"), folder):
        sync_path(path)
