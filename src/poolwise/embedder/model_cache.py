"""Models that this process holds open, so that a grid of readouts reads each folder once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

from poolwise import model
from poolwise.encoders.location import FileStates, file_states
from poolwise.errors import EncoderError
from poolwise.model import Model

KEPT = 4
"""Models held; of more, the one that waited longest is read again when asked for."""


def opened(name: str | Path, max_length: int | None) -> Model:
    """The model: held already, or read now. Raises EncoderError."""
    if not isinstance(name, str | Path):
        raise EncoderError(
            f'model is {name!r:.60}; expected a folder, a hub id or "demo": an embedder opens its '
            "model itself, so that it can be cloned and pickled"
        )
    if not isinstance(max_length, Hashable):
        return model.load(name, max_length=max_length)  # which says what is wrong with it
    return _load(str(name), max_length, _stamp(name))


def _stamp(name: str | Path) -> FileStates | None:
    try:
        return file_states(Path(name).expanduser())
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null byte
        return None


@lru_cache(maxsize=KEPT, typed=True)
def _load(name: str, max_length: int | None, _: object) -> Model:
    return model.load(name, max_length=max_length)
