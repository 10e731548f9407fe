"""Syncing files and folders to the disk, and where links lead."""

from __future__ import annotations

import os
from pathlib import Path


def real_path(path: Path) -> Path:
    """Where links lead. ``Path.resolve`` raises RuntimeError where they lead in a circle; this
    gives a path that nothing can be found under."""
    return Path(os.path.realpath(path))


def sync_path(path: Path) -> None:
    """Make a file or a folder's list of names durable."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make a folder durable with all that it holds."""
    for path in (*folder.rglob("*"), folder):
        sync_path(path)
