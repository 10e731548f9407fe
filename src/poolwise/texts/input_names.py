"""The files that inputs mean: globs and folders expanded."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from poolwise.texts.files import STDIN, reading
from poolwise.texts.folder_texts import is_hidden, some_of_folder, some_of_glob, texts_in
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.remote_files import is_listed, is_url
from poolwise.texts.remote_names import expand_url
from poolwise.texts.sources import Source, find_source

_LOCAL = "file://"


def expand_inputs(inputs: Sequence[str]) -> list[str]:
    """The inputs, with the files in place of every glob and folder that means them.

    A glob (``data/*.parquet``; ``**`` for folders within folders) means what it matches, sorted by
    name; a file that is really called so goes first. A folder means the files in it and its folders
    whose names end as those of texts do (``.csv``, ``.jsonl``, ``.parquet``, ``.txt``, …, also
    compressed), sorted by name, without what begins with ``_`` or ``.``; so does a folder that a
    glob matches. Both may be URLs, as ``s3://bucket/texts/``. Any other name, ``-`` and ``hf:NAME``
    stay as they are.

    Raises TextError where a glob matches nothing, a folder holds no texts or was written by
    ``save_to_disk``, or a store does not answer; MissingExtraError without the store's library.
    """
    return [name for given in inputs for name in _expanded(given)]


def find_sources(
    inputs: Sequence[str | Source],
    encoding: str,
    file_format: str | None = None,
    *,
    max_bytes: int,
) -> list[Source]:
    """The sources that inputs mean, globs and folders expanded; what is a source stays. Raises as
    ``expand_inputs``."""
    open_one = partial(find_source, encoding=encoding, file_format=file_format, max_bytes=max_bytes)
    sources: list[Source] = []
    for given in inputs:
        sources += map(open_one, expand_inputs([given])) if isinstance(given, str) else [given]
    return sources


def _expanded(name: str) -> list[str]:
    if name == STDIN or is_dataset(name):
        return [name]
    path = _local_path(name)
    if not is_url(path):
        with reading(path):
            return _local(path)
    return expand_url(name) if is_listed(name) else [name]


def _local_path(name: str) -> str:
    """Without ``file://``, whose path has a slash in front of a drive (``file:///C:/texts``)."""
    path = name.removeprefix(_LOCAL)
    in_drive = sys.platform == "win32" and path != name and path[2:3] == ":"
    return path.removeprefix("/") if in_drive else path


def _local(name: str) -> list[str]:
    if Path(name).is_dir():
        return some_of_folder(name, texts_in(name, _below(name)))
    if Path(name).exists() or not glob.has_magic(name):
        return [name]
    names: set[str] = set()
    for match in glob.glob(name, recursive=True):  # noqa: PTH207 - keeps names as they are written
        names.update(texts_in(match, _below(match)) if Path(match).is_dir() else [match])
    return some_of_glob(name, names)


def _below(folder: str, above: Sequence[str] = ()) -> Iterator[str]:
    """The paths of all files in a folder and its folders, relative to it; links are followed."""
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder that it is in
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry.name
            elif not is_hidden(entry.name):
                for path in _below(entry.path, (*above, real)):
                    yield f"{entry.name}/{path}"
