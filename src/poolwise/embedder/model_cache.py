"""A cache of loaded models, so that a grid of readouts reads each folder once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

from poolwise import model
from poolwise.encoders.location import FileStates, file_states
from poolwise.errors import EncoderError
from poolwise.model import Model

MAX_MODELS = 4
"""Models in the cache; beyond, the least recently used one is dropped."""


def cached_model(name: str | Path, max_length: int | None) -> Model:
    """The model, from the cache unless its files have changed. Raises EncoderError."""
    if not isinstance(name, str | Path):
        raise EncoderError(
            f'model is {name!r:.60}; expected a folder, a hub id or "demo": an embedder opens its '
            "model itself, so that it can be cloned and pickled"
        )
    if not isinstance(max_length, Hashable):
        return model.load(name, max_length=max_length)  # raises for it
    return _load(str(name), max_length, _stamp(name))


def _stamp(name: str | Path) -> FileStates | None:
    try:
        return file_states(Path(name).expanduser())
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null byte
        return None


@lru_cache(maxsize=MAX_MODELS, typed=True)
def _load(name: str, max_length: int | None, _: object) -> Model:
    return model.load(name, max_length=max_length)
