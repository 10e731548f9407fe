"""A folder that appears under its name when it is complete, or never."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poolwise.errors import StoreError
from poolwise.stores.atomic import sync_path

_OURS = re.compile(
    r"config(_sentence_transformers)?\.json|model\.safetensors|model\.onnx(\.data)?|modules\.json"
    r"|(poolwise|sentence_bert_config)\.json|README\.md|[0-9]+_\w+"
    r"|(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|vocab\.txt|merges\.txt|.*\.model"
)
"""Names that a model's folder has, and that one may replace."""


@contextmanager
def whole_folder(target: Path, *, replace: bool, never: Path) -> Iterator[Path]:
    """An empty folder beside ``target``, which takes its name when the block ends without error.

    ``replace`` takes the place of a model's folder; without it ``target`` must be empty or not be
    there. ``never`` may not be replaced, nor what it lies in. Raises StoreError at once where
    the folder cannot take that name.
    """
    place = target.resolve()
    _check(target, place, replace, never.resolve())
    mark = secrets.token_hex(4)
    partial = place.with_name(f".{place.name}.{mark}.partial")
    try:
        partial.mkdir()
        yield partial
        _sync(partial)
        _put(partial, place, place.with_name(f".{place.name}.{mark}.old"))
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(shown: Path, place: Path, replace: bool, never: Path) -> None:
    if not place.parent.is_dir():
        raise StoreError(f"no folder {shown.parent} to write {shown.name} in")
    if not place.exists():
        return
    if not place.is_dir():
        raise StoreError(f"{shown} is a file; expected the name of a new folder")
    if never.is_relative_to(place) or place.is_relative_to(never):
        raise StoreError(f"{shown} holds the model that is being exported; choose another folder")
    held = sorted(path.name for path in place.iterdir())
    if not held:
        return
    if not replace:
        raise StoreError(f"{shown} is not empty; choose another folder, or --force to replace it")
    foreign = [name for name in held if not _OURS.fullmatch(name)]
    if foreign:
        raise StoreError(
            f"{shown} holds {foreign[0]}, which is no part of an exported model, and would be "
            "lost; choose another folder, or empty this one"
        )


def _put(partial: Path, place: Path, aside: Path) -> None:
    """Give ``partial`` its name; what stood there comes back if that fails."""
    try:
        if place.exists():
            place.rename(aside)
        partial.rename(place)
    except BaseException:
        if aside.exists() and not place.exists():
            aside.rename(place)
        raise
    sync_path(place.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Make the folder durable with all that it holds."""
    for path in (*folder.rglob("*"), folder):
        sync_path(path)
