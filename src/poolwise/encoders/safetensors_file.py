"""One safetensors file: its header checked before anything is used, its arrays mapped.

The format: 8 bytes little-endian header length, a JSON header, then the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.files import (
    MEGABYTE,
    as_object,
    describe,
    parse_json,
    refuse_pointer,
)
from poolwise.errors import EncoderError, UnsafeModelError
from poolwise.records import Floats

MAX_HEADER = 8 * MEGABYTE
MAX_TENSORS = 4096
MAX_RANK = 4

_SIZES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}

_FLOATS = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}

_OTHERS = {
    b"pk\x03\x04": (
        "a pickle as torch.save writes it, or another zip archive",
        "pytorch_model.bin",
    ),
    b"\x80\x02": ("a pickle", "pytorch_model.bin"),
    b"\x89hdf": ("an HDF5 file", "tf_model.h5"),
    b"<!doctyp": ("a web page", ""),
    b"<html": ("a web page", ""),
    b"gguf": ("weights for llama.cpp (GGUF)", ""),
}
"""First bytes, in small letters, of what lies under this name now and then; and its own name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies: ``begin`` counts bytes from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class SafetensorsFile:
    """A mapped file whose header has been checked. ``data`` uint8 [size of the file]."""

    path: Path
    data: NDArray[np.uint8]
    entries: Mapping[str, Entry]

    def read(self, name: str) -> Floats:
        """A tensor as float32, read-only; a view of the mapped file where that holds float32.

        Raises EncoderError when it holds no floats, NaN or infinity.
        """
        entry = self.entries[name]
        if entry.dtype not in _FLOATS:
            raise EncoderError(
                f"{self.path}: {name} has type {entry.dtype}, expected one of {', '.join(_FLOATS)}"
            )
        raw = self.data[entry.begin : entry.end].view(_FLOATS[entry.dtype]).reshape(entry.shape)
        array = _float32(raw, entry.dtype)
        if not all(np.isfinite(part).all() for part in _parts(array)):
            raise EncoderError(f"{self.path}: {name} holds values that are not finite")
        array.flags.writeable = False
        return array


def open_safetensors(path: Path) -> SafetensorsFile:
    """Map a file and check its header: its size, names, types, shapes and offsets."""
    data = _map(path)
    refuse_pointer(path, data[:64].tobytes())
    length = int.from_bytes(data[:8].tobytes(), "little")
    start = 8 + length
    if length > MAX_HEADER or start > data.size:
        _refuse_others(path, data[:8].tobytes())
        raise UnsafeModelError(
            f"{path}: not a safetensors file: it gives its header {length:,} bytes "
            f"(at most {MAX_HEADER:,} allowed; the file has {data.size:,})"
        )
    where = f"{path} (header)"
    found = as_object(parse_json(data[8:start].tobytes(), where), where)
    found.pop("__metadata__", None)
    if len(found) > MAX_TENSORS:
        raise UnsafeModelError(f"{path}: {len(found):,} tensors, at most {MAX_TENSORS:,} allowed")
    entries = {name: _entry(value, start, f"{path}: {name}") for name, value in found.items()}
    _check_layout(path, entries, start, data.size)
    return SafetensorsFile(path, data, entries)


def _refuse_others(path: Path, first: bytes) -> None:
    """A file of another kind under this name, told by its first bytes."""
    for magic, (what, name) in _OTHERS.items():
        if first.lower().startswith(magic):
            advice = f"Name it {name} and convert its folder" if name else "Download it again"
            raise UnsafeModelError(f"{path}: not a safetensors file but {what}. {advice}")


def _map(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise EncoderError(f"{path}: no such file")
    try:
        return np.asarray(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path}: cannot be read: {error}") from error


def _entry(value: Any, start: int, where: str) -> Entry:
    value = as_object(value, where)
    dtype, shape, offsets = (value.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _SIZES:
        raise UnsafeModelError(f"{where}: unknown type {describe(dtype)}")
    if not _is_sizes(shape) or len(shape) > MAX_RANK:
        raise UnsafeModelError(f"{where}: the shape is not a list of at most {MAX_RANK} sizes")
    if not _is_sizes(offsets) or len(offsets) != 2:
        raise UnsafeModelError(f"{where}: data_offsets are not two sizes")
    if offsets[1] - offsets[0] != math.prod(shape) * _SIZES[dtype]:
        raise UnsafeModelError(f"{where}: {dtype} {shape} does not fill the bytes {offsets}")
    return Entry(dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 48 for n in value)


def _check_layout(path: Path, entries: Mapping[str, Entry], start: int, size: int) -> None:
    """The tensors must fill the file to its last byte, without holes or overlaps."""
    at = start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != at:
            raise UnsafeModelError(f"{path}: {name} begins at byte {entry.begin}, expected {at}")
        at = entry.end
    if at != size:
        raise UnsafeModelError(f"{path}: the tensors end at byte {at}, the file at {size}")


def _float32(raw: NDArray[Any], dtype: str) -> Floats:
    if dtype == "BF16":
        # A bfloat16 is the upper half of a float32.
        return (raw.astype("<u4") << 16).view("<f4")
    with np.errstate(over="ignore"):
        return np.require(raw, "<f4", "A")


def _parts(array: Floats) -> Iterator[Floats]:
    """Pieces of a size that a test need not copy much for."""
    flat = array.reshape(-1)
    return (flat[at : at + MEGABYTE] for at in range(0, flat.size, MEGABYTE))
