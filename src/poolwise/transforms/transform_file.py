"""The file of a transform: safetensors, float64 arrays and text metadata."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.tensor_tables import Shape
from poolwise.errors import EncoderError, StoreError, listed
from poolwise.transforms.linear import Doubles

FORMAT = "poolwise-transform"

_FARTHEST = float(np.finfo(np.float32).max)

Expected = Callable[[Mapping[str, str]], Mapping[str, Shape]]
"""From a file's metadata to the names and shapes of its arrays; StoreError where it lacks them."""


def encode(arrays: Mapping[str, Doubles], metadata: Mapping[str, str]) -> bytes:
    """The bytes of the file, the same for the same content."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return _with_sorted_metadata(save(contiguous, metadata={"format": FORMAT, **metadata}))


def _with_sorted_metadata(content: bytes) -> bytes:
    """A safetensors file whose metadata the library has put in an order drawn anew each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # arrays begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_arrays(path: Path, expected: Expected) -> tuple[dict[str, Doubles], dict[str, str]]:
    """The arrays and the metadata, ``expected`` gives the arrays that there must be.

    Raises StoreError if the file cannot be read, is of another kind, or holds anything but finite
    float64 numbers in arrays of these names and shapes; no array is read before.
    """
    try:
        stored = open_safetensors(path)
        entries, metadata = stored.entries, dict(stored.metadata)
        if metadata.get("format") != FORMAT:
            raise not_a_transform(path, f"a safetensors file not marked {FORMAT!r}")
        if foreign := [f"{name}: {e.dtype}" for name, e in entries.items() if e.dtype != "F64"]:
            raise not_a_transform(path, f"arrays that are not float64, {listed(foreign)}")
        shapes = {name: entry.shape for name, entry in entries.items()}
        if shapes != (expected_shapes := expected(metadata)):
            raise not_a_transform(
                path,
                f"arrays {_shown(shapes)} where {metadata['readout']} has "
                f"{_shown(expected_shapes)}",
            )
        arrays = {
            name: np.frombuffer(stored.file.read(e.begin, e.end), "<f8").reshape(e.shape)
            for name, e in entries.items()
        }
    except (EncoderError, MemoryError) as error:
        raise StoreError(f"cannot read the transform {path}: {error}") from error
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise not_a_transform(path, f"NaN or infinity in {listed(bad)}")
    # Their squares overflow: norms are infinite, and l2 gives a row of zeros without an error.
    if far := [name for name, array in arrays.items() if np.abs(array).max(initial=0) > _FARTHEST]:
        raise not_a_transform(path, f"numbers beyond {_FARTHEST:.0e} in {listed(far)}")
    return arrays, metadata


def _shown(shapes: Mapping[str, Shape]) -> str:
    return str(dict(shapes))[:400]


def not_a_transform(path: Path, content: str) -> StoreError:
    """An error to raise for a file that ``Transform.save`` cannot have written."""
    return StoreError(f"expected a transform saved by poolwise in {path}, found {content}")
