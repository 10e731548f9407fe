"""The file a transform is kept in: safetensors, float64 arrays and text metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from poolwise.errors import StoreError
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
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise not_a_transform(path, f"a safetensors file not marked {FORMAT!r}")
            names = file.keys()
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
            if foreign := {name: kind for name, kind in kinds.items() if kind != "F64"}:
                raise not_a_transform(path, f"arrays that are not float64, {foreign}")
            arrays = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise StoreError(f"cannot read the transform {path}: {error}") from error
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise not_a_transform(path, f"NaN or infinity in {', '.join(bad)}")
    return arrays, metadata


def not_a_transform(path: Path, found: str) -> StoreError:
    """An error to raise for a file that ``Transform.save`` cannot have written."""
    return StoreError(f"expected a transform saved by poolwise in {path}, found {found}")
