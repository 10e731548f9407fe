"""The file a transform is kept in: safetensors, float64 arrays and text metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from poolwise.errors import StoreError, some
from poolwise.transforms.linear import Doubles

FORMAT = "poolwise-transform"


def content(arrays: Mapping[str, Doubles], metadata: Mapping[str, str]) -> bytes:
    """What stands in the file."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(contiguous, metadata={"format": FORMAT, **metadata})


def read(path: Path) -> tuple[dict[str, Doubles], dict[str, str]]:
    """The arrays and the metadata.

    Raises StoreError if the file cannot be read, is of another kind, or holds anything but
    finite float64 numbers.
    """
    if not path.is_file():
        raise StoreError(f"cannot read the transform {path}: no such file")
    try:
        content = path.read_bytes()  # not mapped: who cuts a mapped file short ends this process
        tensors = deserialize(content)  # type: ignore[no-untyped-call]
    except (OSError, SafetensorError, MemoryError) as error:
        raise StoreError(f"cannot read the transform {path}: {error}") from error
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        raise not_a_transform(path, f"a safetensors file not marked {FORMAT!r}")
    kinds = {name: tensor["dtype"] for name, tensor in tensors}
    if foreign := {name: kind for name, kind in kinds.items() if kind != "F64"}:
        raise not_a_transform(path, f"arrays that are not float64, {foreign}")
    arrays = {
        name: np.frombuffer(tensor["data"], "<f8").reshape(tensor["shape"])
        for name, tensor in tensors
    }
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise not_a_transform(path, f"NaN or infinity in {some(bad)}")
    return arrays, metadata


def not_a_transform(path: Path, found: str) -> StoreError:
    """An error to raise for a file that ``Transform.save`` cannot have written."""
    return StoreError(f"expected a transform saved by poolwise in {path}, found {found}")
