"""Tensors in a file of torch.save: where their bytes are, and the bytes in C order."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.encoders.conversion.pickle_values import Call, Global, PersistentId
from poolwise.encoders.conversion.stored_tensors import (
    PIECE_BYTES,
    TYPE_BYTES,
    ConversionError,
    StoredTensor,
)
from poolwise.encoders.safetensors_file import MAX_RANK
from poolwise.encoders.tensor_tables import Shape

_TYPES = {
    "Float": "F32",
    "Double": "F64",
    "Half": "F16",
    "BFloat16": "BF16",
    "Long": "I64",
    "Int": "I32",
    "Short": "I16",
    "Char": "I8",
    "Byte": "U8",
    "Bool": "BOOL",
}
_STORAGES = {f"torch.{name}Storage": dtype for name, dtype in _TYPES.items()}
_TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETERS = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
GLOBALS = {"collections.OrderedDict", "torch.Size", *_STORAGES, *_TENSORS, *_PARAMETERS}
"""The names of modules that the pickle of a state dict may contain."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes of a storage in the file."""

    begin: int
    nbytes: int


Storages = Mapping[str, Storage | str]
"""Storages by key; a string is the reason why one cannot be read."""


def rebuild_args(value: Any) -> tuple[Any, ...] | None:
    """The arguments of a tensor, (storage, offset, sizes, strides, …); None for another value."""
    while isinstance(value, Call) and value.name in _PARAMETERS and value.args:
        value = value.args[0]
    if isinstance(value, Call) and value.name in _TENSORS and len(value.args) >= 4:
        return value.args
    return None


def storage_reference(args: tuple[Any, ...]) -> tuple[str, str]:
    """The type of a tensor's values and the key of its storage. Raises ConversionError."""
    match args[0]:
        case PersistentId(("storage", Global(kind), str(key), str(), int(), *view)):
            if kind in _STORAGES and not any(view):
                return _STORAGES[kind], key
    raise ConversionError("it holds a tensor of a kind that is not read")


def stored_tensor(
    name: str, args: tuple[Any, ...], storages: Storages, path: Path, end: int
) -> StoredTensor:
    """The tensor of these arguments in the file ``path`` of ``end`` bytes."""
    dtype, key = storage_reference(args)
    offset, shape, strides = args[1], _sizes(args[2]), _sizes(args[3])
    if type(offset) is not int or shape is None or strides is None or len(shape) != len(strides):
        raise ConversionError(f"{name[:100]!a} has no shape that is read")
    storage = storages.get(key, "missing from the file")
    if len(args) > 6 and args[6]:
        storage = "a view of other values"
    if isinstance(storage, str):
        return StoredTensor(dtype, shape, lambda: iter(()), f"its values are {storage}")
    width, count = TYPE_BYTES[dtype], prod(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    begin, nbytes = storage.begin + offset * width, (last + 1 - offset) * width
    fault = ""
    if count and not 0 <= offset <= last < storage.nbytes // width:
        fault = "its values are not within their storage"
    elif count and begin + nbytes > end:
        fault = "its values are beyond the end of the file"
    elif _overlaps(shape, strides):
        fault = "several of its values are one in the file"
    pieces = partial(_contiguous_pieces, path, begin, count * width)
    if count and strides != _contiguous(shape):
        pieces = partial(_strided_pieces, path, begin, nbytes, width, (shape, strides))
    return StoredTensor(dtype, shape, pieces, fault)


def _sizes(value: Any) -> Shape | None:
    if isinstance(value, Call) and value.name == "torch.Size" and len(value.args) == 1:
        value = value.args[0]
    if not isinstance(value, tuple) or len(value) > MAX_RANK:
        return None
    return value if all(type(n) is int and 0 <= n < 1 << 48 for n in value) else None


def _contiguous(shape: Shape) -> Shape:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _overlaps(shape: Shape, strides: Shape) -> bool:
    """Whether two elements of a tensor may be the same value in memory."""
    covered = 1
    for step, size in sorted(zip(strides, shape, strict=True)):
        if size > 1:
            if step < covered:
                return True
            covered = step * size
    return False


def _contiguous_pieces(path: Path, begin: int, nbytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        while nbytes and (piece := file.read(min(PIECE_BYTES, nbytes))):
            nbytes -= len(piece)
            yield piece


def _strided_pieces(
    path: Path, begin: int, nbytes: int, width: int, layout: tuple[Shape, Shape]
) -> Iterator[bytes]:
    """Values in another order than that of the file, such as a transposed matrix.

    ``layout``: shape and strides, in values.
    """
    shape, strides = layout
    start = begin - begin % mmap.ALLOCATIONGRANULARITY
    with path.open("rb") as file:
        length = begin + nbytes - start
        mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ, offset=start)
        byte_strides = tuple(step * width for step in strides)
        array = np.ndarray(shape, f"V{width}", mapped, begin - start, byte_strides)
        rows = max(1, PIECE_BYTES // max(1, width * prod(shape[1:])))
        for row in range(0, shape[0], rows):
            yield array[row : row + rows].tobytes()
