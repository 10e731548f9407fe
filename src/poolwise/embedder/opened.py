"""Models that this process holds open, so that a grid of readouts reads each folder once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from poolwise import model
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
    return _load(str(name), max_length, _stamp(Path(name).expanduser()))


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """A local folder's files as they are now: a model that was saved anew is read anew."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@lru_cache(maxsize=KEPT, typed=True)
def _load(name: str, max_length: int | None, _stamp: object) -> Model:
    return model.load(name, max_length=max_length)
