"""Which files of a folder hold texts, by their names."""

from __future__ import annotations

import os
from collections.abc import Iterable

from poolwise.errors import TextError
from poolwise.texts.sources import FORMATS, format_suffix

_SUFFIXES = (*FORMATS, ".txt")

_DATASET_FILES = frozenset({"dataset_dict.json", "dataset_info.json", "state.json"})
"""What ``save_to_disk`` of ``datasets`` writes beside the rows."""


def is_hidden(name: str) -> bool:
    """Is it left out of folders, as pyarrow and Spark do (``_SUCCESS``, ``.part-0.csv.crc``)?"""
    return name.startswith(("_", "."))


def texts_in(folder: str, paths: Iterable[str]) -> list[str]:
    """The names of the files that hold texts among ``paths``, which are relative to ``folder`` and
    have ``/`` between their parts.

    Raises TextError if it is a dataset of Hugging Face's, or holds one.
    """
    names = []
    base = folder if folder.endswith(("/", os.sep)) else f"{folder}/"
    for path in paths:
        parent, _, name = f"{base}{path}".rpartition("/")
        if any(map(is_hidden, path.split("/"))):
            continue
        if name in _DATASET_FILES:
            raise TextError(
                f"{parent} is a folder that save_to_disk of Hugging Face datasets wrote (it holds "
                f"{name}); name it hf:FOLDER, with the folder's full path on this machine"
            )
        if format_suffix(name) in _SUFFIXES:
            names.append(f"{base}{path}")
    return names


def some_of_folder(folder: str, names: Iterable[str]) -> list[str]:
    """The names, sorted. Raises TextError if there are none."""
    if found := sorted(names):
        return found
    raise TextError(
        f"{folder} is a folder in which no file's name ends with {', '.join(_SUFFIXES)}, also "
        "compressed (.gz, …); name its files, or hf:FOLDER if it is a Hugging Face dataset"
    )


def some_of_glob(pattern: str, names: Iterable[str]) -> list[str]:
    """The names, each once, sorted. Raises TextError if there are none."""
    if found := sorted(set(names)):
        return found
    raise TextError(
        f"{pattern} matches no file; expected a pattern such as data/*.parquet, or "
        "data/**/*.parquet for folders within folders"
    )
