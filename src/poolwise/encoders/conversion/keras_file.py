"""tf_model.h5, in the HDF5 of Keras that transformers wrote for TensorFlow until its version 5.

A tensor is at ``layer/model/bert/encoder/layer_._0/attention/self/query/kernel:0``, or, in a
shard, at the same without its first two levels. Only the process of ``worker`` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from poolwise.encoders.conversion.stored_tensors import (
    PIECE_BYTES,
    TYPE_BYTES,
    ConversionError,
    StoredTensor,
)
from poolwise.encoders.safetensors_file import MAX_RANK, MAX_TENSORS
from poolwise.errors import needs

_SUFFIXES = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}

MAX_OBJECTS = 4 * MAX_TENSORS
"""Groups and datasets of one file."""

_TYPES = {"f": "F", "i": "I", "u": "U"}


def open_keras(path: Path) -> dict[str, StoredTensor]:
    """The tensors of one file under their names in PyTorch; none of their values has been read.

    Raises ConversionError for a file that holds something else, or is no HDF5.
    """
    with needs("keras", "reading tf_model.h5"):
        import h5py  # noqa: PLC0415

    try:
        with h5py.File(path, "r") as file:
            # Groups of this file alone: links, perhaps into other files, are not followed.
            own = [name for name in file if type(file.get(name, getlink=True)) is h5py.HardLink]
            layered = {name for name in own if "weight_names" in file[name].attrs}
            return _tensors(_datasets(file, h5py.Dataset), layered, path)
    # HDF5's own errors are of every kind.
    except (OSError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise ConversionError(f"not an HDF5 file that can be read: {str(error)[:200]!a}") from error


def _tensors(
    datasets: Mapping[str, Any], layered: Container[str], path: Path
) -> dict[str, StoredTensor]:
    tensors: dict[str, StoredTensor] = {}
    for location, dataset in datasets.items():
        top, *levels = location.split("/")
        name = torch_name("/".join(levels[1:]) if top in layered else location)
        if not name or name in tensors:
            raise ConversionError(f"{location[:100]!a} has no name of its own without its layer")
        tensors[name] = _stored_tensor(dataset, location, path)
    if not tensors:
        raise ConversionError("it holds no tensors")
    return tensors


def torch_name(keras: str) -> str:
    """A variable's name in PyTorch, which writes list items, copies and suffixes otherwise."""
    path = re.sub(r"(^|/)[^/]*___([^/]*)/", r"\1\2/", keras.replace(":0", "")).replace("_._", "/")
    *levels, last = path.split("/")
    return ".".join((*levels, _SUFFIXES.get(last, last)))


def _datasets(file: Any, kind: type[Any]) -> dict[str, Any]:
    """Every dataset by its location in the file."""
    datasets: dict[str, Any] = {}
    count = 0

    def collect(location: str, item: Any) -> None:
        nonlocal count
        count += 1
        if count > MAX_OBJECTS:
            raise ConversionError(f"refused, it has more than {MAX_OBJECTS:,} groups and tensors")
        if isinstance(item, kind):
            datasets[location] = item

    # Follows neither soft nor external links.
    file.visititems(collect)
    return datasets


def _stored_tensor(item: Any, location: str, path: Path) -> StoredTensor:
    """A dataset whose values are contiguous in this file, as Keras writes them."""
    if item.dtype.kind not in _TYPES or item.external or item.is_virtual or item.shape is None:
        raise ConversionError(f"refused, {location[:100]!a} is more than numbers in this file")
    dtype = f"{_TYPES[item.dtype.kind]}{8 * item.dtype.itemsize}"
    if item.dtype.byteorder == ">" or dtype not in TYPE_BYTES or len(item.shape) > MAX_RANK:
        raise ConversionError(
            f"refused, {location[:100]!a} is of a type or shape that no tensor has"
        )
    fault, stored = "", item.id.get_storage_size()
    if item.chunks is not None:
        fault = "its values are in chunks, perhaps compressed, as Keras never writes them"
    elif stored < item.nbytes:
        fault = f"its {item.nbytes:,} bytes would unfold from {stored:,}"
    # Kernels are transposed: Keras multiplies from the other side.
    kernel = location.removesuffix(":0").endswith("/kernel")
    shape = tuple(map(int, item.shape))[:: -1 if kernel else 1]
    return StoredTensor(dtype, shape, partial(_pieces, path, location, kernel), fault)


def _pieces(path: Path, location: str, kernel: bool) -> Iterator[bytes]:
    import h5py  # noqa: PLC0415

    with h5py.File(path, "r") as file:
        item = file[location]
        if not item.ndim:
            yield item[()].tobytes()
            return
        rows = item.shape[-1 if kernel else 0]
        step = max(1, PIECE_BYTES * rows // max(1, item.nbytes))
        for row in range(0, rows if prod(item.shape) else 0, step):
            span = slice(row, row + step)
            yield item[..., span].T.tobytes() if kernel else item[span].tobytes()
