"""A folder that appears under its name when it is complete, or never."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from poolwise.errors import PoolwiseError, StoreError
from poolwise.files.atomic import os_errors_as
from poolwise.files.durable import real_path, sync_path, sync_tree
from poolwise.files.exchange import exchange
from poolwise.files.leftovers import ASIDE, clear_leftovers, hidden, lock_new, locked

Foreign = Callable[[Path], Iterable[str]]
"""Names in a folder that are no part of what is to be replaced, and would be lost."""


@contextmanager
def whole_folder(
    target: Path,
    *,
    replace: bool,
    foreign: Foreign = os.listdir,
    kind: str = "it",
    never: Path | None = None,
    parents: bool = False,
) -> Iterator[Path]:
    """An empty folder beside ``target``, which takes its name when the block ends without error.

    ``replace`` takes the place of a folder of the same ``kind`` ("a report"), all of whose names
    are its own; without it ``target`` must be empty or not be there. ``never`` may not be replaced,
    nor what it lies in. ``parents`` makes the folders above, too.

    Where the system can exchange two names (Linux), ``target`` is the old folder or the new one at
    every moment; elsewhere it is absent between two renames, and the next run in that place brings
    the old one back if the process was killed there.

    Raises StoreError at once where the folder cannot take that name or cannot be written. Errors
    raised in the block that name the folder beside are made to name ``target``.
    """
    place = real_path(target)
    with os_errors_as(target):
        _check(target, place, parents, never and real_path(never))
        clear_leftovers(place.parent, place.name)
        _check_content(target, place, replace, foreign, kind)
    with folders_above(place, target=target), hidden_folder(place, target=target) as partial:
        yield partial
        with os_errors_as(target):
            sync_tree(partial)
            # Another process may have written there meanwhile.
            _check_content(target, place, replace, foreign, kind)
            _put(partial, place, replace)


@contextmanager
def hidden_folder(place: Path, *, target: Path) -> Iterator[Path]:
    """An empty folder beside ``place`` while the block runs. Errors raised in the block that name
    it are made to name ``target``. Raises StoreError where nothing can be written there."""
    folders: list[Path] = []
    lock = None
    try:
        with os_errors_as(target):
            while lock is None:
                folders.append(hidden(place))  # before it exists: it is removed, whatever happens
                folders[-1].mkdir()
                lock = lock_new(folders[-1])
        try:
            yield folders[-1]
        except (PoolwiseError, OSError) as error:
            _name_the_target(error, folders[-1], target)
            raise
    finally:
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
        if lock:
            lock.release()


@contextmanager
def folders_above(place: Path, *, target: Path) -> Iterator[None]:
    """Make the missing folders above ``place``; remove them again, if the block fails."""
    missing = [folder for folder in place.parents if not folder.exists()]
    try:
        with os_errors_as(target):
            place.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _check(target: Path, place: Path, parents: bool, never: Path | None) -> None:
    if not parents and not place.parent.is_dir():
        raise StoreError(f"no folder {target.parent} to write {target.name} in")
    if not place.exists():
        return
    if not place.is_dir():
        raise StoreError(f"{target} is a file; expected the name of a new folder")
    if _is_mounted(place):
        raise StoreError(
            f"{target} is where a disk is mounted, which nothing can take the place of; choose a "
            f"folder in it, such as {target / 'out'}"
        )
    if never and (never.is_relative_to(place) or place.is_relative_to(never)):
        raise StoreError(f"{target} holds the model that is being exported; choose another folder")


def _check_content(target: Path, place: Path, replace: bool, foreign: Foreign, kind: str) -> None:
    if not place.exists() or not any(place.iterdir()):
        return
    if not replace:
        raise StoreError(f"{target} is not empty; choose another folder, or --force to replace it")
    for name in foreign(place):
        raise StoreError(
            f"{target} holds {name}, which is no part of {kind}, and would be lost; choose another "
            "folder, or empty this one"
        )


def _is_mounted(place: Path) -> bool:
    """Whether a disk is mounted at ``place``; only the kernel's list has bind mounts."""
    if place == place.parent or place.is_mount():
        return True
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return False
    name = os.fsencode(place)
    for sign in b"\\ \t\n":
        name = name.replace(bytes([sign]), b"\\%03o" % sign)
    return any(line.split(b" ")[4:5] == [name] for line in mounts)


def _put(partial: Path, place: Path, replace: bool) -> None:
    """Give ``partial`` its name; what stood there comes back if that fails."""
    exists = place.exists()
    if exists:
        shutil.copymode(place, partial)
    if not (exists and replace):
        if exists and sys.platform == "win32":
            place.rmdir()  # there not even an empty folder goes
        partial.rename(place)  # no folder goes in its favour but an empty one
    elif not exchange(partial, place):
        _put_in_two_steps(partial, place)
    sync_path(place.parent)


def _put_in_two_steps(partial: Path, place: Path) -> None:
    aside = hidden(place, ASIDE)
    with locked(place):
        try:
            place.rename(aside)
            partial.rename(place)
        except BaseException:
            if aside.exists() and not place.exists():
                aside.rename(place)
            raise
        sync_path(place.parent)
        shutil.rmtree(aside, ignore_errors=True)


def _name_the_target(error: PoolwiseError | OSError, partial: Path, target: Path) -> None:
    """An error names the target in place of the hidden folder, which is gone when it is read."""
    error.args = tuple(
        arg.replace(str(partial), str(target)) if isinstance(arg, str) else arg
        for arg in error.args
    )
    if isinstance(error, OSError) and isinstance(error.filename, str):
        error.filename = error.filename.replace(str(partial), str(target))
