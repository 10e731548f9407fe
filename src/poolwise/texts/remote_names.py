"""Globs and folders in object stores, into the URLs of the files they mean."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from typing import Any

from poolwise.texts.folder_texts import some_of_folder, some_of_glob, texts_in
from poolwise.texts.remote_files import file_system, remote_errors

_ANY = "*?["


def expand_url(url: str) -> list[str]:
    """The URLs of the files that a URL means: a file's, a folder's or a glob's.

    Raises TextError where there are none, or the store does not answer.
    """
    system, path = file_system(url)
    has_magic = glob.has_magic(path)
    kind = _kind(system, path, url, absent_is_known=has_magic)
    if kind == "directory":
        return some_of_folder(url, texts_in(url, _below(system, path, url)))
    return _matches(system, path, url) if kind is None else [url]


def _kind(system: Any, path: str, url: str, *, absent_is_known: bool = False) -> str | None:
    """``file`` or ``directory``; None of what is not there, if that is no error."""
    with remote_errors(url):
        try:
            return str(system.info(path)["type"])
        except (FileNotFoundError, ValueError):  # the latter of names that no bucket may have
            if absent_is_known:
                return None
            raise


def _matches(system: Any, path: str, url: str) -> list[str]:
    """What the glob matches; a folder among it stands for the texts in it. Raises TextError if that
    is nothing, naming the bucket or folder that is not there if that is why."""
    with remote_errors(url):
        found = system.glob(path, detail=True)
    base = url[: min(place for place in map(url.find, _ANY) if place >= 0)]
    base = base[: base.rindex("/") + 1]
    dotted = "/." in url[len(base) - 1 :]
    _, root = file_system(base)
    names: set[str] = set()
    for match, info in found.items():
        relative = _relative(match, root)
        if "/." in f"/{relative}" and not dotted:  # as the shell's globs
            continue
        name = base + relative
        if info["type"] == "directory":
            names.update(texts_in(name, _below(system, match, name)))
        else:
            names.add(name)
    if not names:
        _kind(system, root, base)
    return some_of_glob(url, names)


def _below(system: Any, folder: str, url: str) -> Iterator[str]:
    """The paths of all files in a folder and its folders, relative to it."""
    with remote_errors(url):
        paths = system.find(folder)
    return (_relative(path, folder) for path in paths)


def _relative(path: str, folder: str) -> str:
    """``path`` below ``folder``; it may begin with ``/``, for a key may be ``d//a.csv``."""
    if not folder:
        return path.lstrip("/")
    return f"{path}/".removeprefix(f"{folder.removesuffix('/')}/").removesuffix("/")
