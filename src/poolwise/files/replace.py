"""Replace some files of a folder together, while all else in it stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from poolwise.files.durable import sync_path


def replace_files(source: Path, folder: Path, *, old: Iterable[Path], new: Sequence[Path]) -> None:
    """Remove the ``old`` files of ``folder``, then move the ``new`` ones of ``source`` into it.

    Names are relative, and go and come in the order given. So what is there is of one set at every
    moment, and the last of ``new`` says that all are there: a process killed in between leaves some
    names absent. ``source`` lies on the same disk and is durable. Raises OSError.
    """
    for name in old:
        (folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # it holds more, or is not there
            if name.parent != Path():
                (folder / name).parent.rmdir()
    sync_path(folder)
    for name in new:
        (folder / name).parent.mkdir(exist_ok=True)
        (source / name).rename(folder / name)
    for parent in {(folder / name).parent for name in new} | {folder}:
        sync_path(parent)
