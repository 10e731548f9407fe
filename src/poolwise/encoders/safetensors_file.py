"""A safetensors file, its header checked before its tensors are read.

The format: 8 bytes little-endian header length, a JSON header, then the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.encoders.stable_file import StableFile, StableReader
from poolwise.encoders.untrusted_files import (
    MEGABYTE,
    abridge,
    as_object,
    parse_json,
    refuse_lfs_pointer,
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

_OTHER_FORMATS = {
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
"""First bytes, lowered, of files of other formats under this name; description and right name."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Type, shape and bytes of a tensor, ``begin`` to ``end`` from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class SafetensorsFile:
    """A file whose header has been checked; ``metadata`` is its ``__metadata__``."""

    file: StableFile
    entries: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.file.path

    def read(self, names: Iterable[str]) -> dict[str, Floats]:
        """Tensors as float32, read-only, in one block of memory.

        Raises EncoderError for tensors of another type than floats, for NaN and infinity, where
        memory does not suffice, and where the file has changed since its header was checked.
        """
        entries = {name: self._float_entry(name) for name in names}
        sizes = {name: math.prod(entry.shape) for name, entry in entries.items()}
        try:  # one block: its pages come in large ones, which cost half of what small ones do
            block = np.empty(sum(sizes.values()), "<f4")
        except MemoryError as error:
            gigabytes = 4 * sum(sizes.values()) / 1e9
            raise EncoderError(
                f"{self.path}: no memory for {gigabytes:.1f} GB of weights"
            ) from error
        tensors, start = dict[str, Floats](), 0
        with self.file.open() as reader:
            for name in sorted(entries, key=lambda name: entries[name].begin):
                values, start = block[start : start + sizes[name]], start + sizes[name]
                _fill(values, entries[name], reader)
                if not all(np.isfinite(piece).all() for piece in _pieces(values)):
                    raise EncoderError(f"{self.path}: {name} holds values that are not finite")
                values.flags.writeable = False
                tensors[name] = values.reshape(entries[name].shape)
        return {name: tensors[name] for name in entries}

    def _float_entry(self, name: str) -> TensorEntry:
        entry = self.entries[name]
        if entry.dtype not in _FLOATS:
            raise EncoderError(
                f"{self.path}: {name} has type {entry.dtype}, expected one of {', '.join(_FLOATS)}"
            )
        return entry


def open_safetensors(path: Path) -> SafetensorsFile:
    """Read a file's header and check it: its size, names, types, shapes and offsets."""
    file = StableFile.stat(path)
    first = file.read(0, min(64, file.size))
    refuse_lfs_pointer(path, first)
    if not first:
        raise EncoderError(f"{path}: cannot be read: it is empty. Download it again")
    length = int.from_bytes(first[:8], "little")
    start = 8 + length
    if length > MAX_HEADER or start > file.size:
        _refuse_other_formats(path, first[:8])
        raise UnsafeModelError(
            f"{path}: not a safetensors file: it gives its header {length:,} bytes "
            f"(at most {MAX_HEADER:,} allowed; the file has {file.size:,})"
        )
    place = f"{path} (header)"
    header = as_object(parse_json(file.read(8, start), place), place)
    metadata = as_object(header.pop("__metadata__", None) or {}, place)
    if not all(isinstance(value, str) for value in metadata.values()):
        raise UnsafeModelError(f"{place}: __metadata__ holds what is no text")
    if len(header) > MAX_TENSORS:
        raise UnsafeModelError(f"{path}: {len(header):,} tensors, at most {MAX_TENSORS:,} allowed")
    entries = {name: _entry(value, start, f"{path}: {name}") for name, value in header.items()}
    _check_layout(path, entries, start, file.size)
    return SafetensorsFile(file, entries, metadata)


def _refuse_other_formats(path: Path, first: bytes) -> None:
    """Raise UnsafeModelError for a file of another format, known by its first bytes."""
    for magic, (description, name) in _OTHER_FORMATS.items():
        if first.lower().startswith(magic):
            advice = f"Name it {name} and convert its folder" if name else "Download it again"
            raise UnsafeModelError(f"{path}: not a safetensors file but {description}. {advice}")


def _entry(value: Any, start: int, place: str) -> TensorEntry:
    value = as_object(value, place)
    dtype, shape, offsets = (value.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _SIZES:
        raise UnsafeModelError(f"{place}: unknown type {abridge(dtype)}")
    if not _is_sizes(shape) or len(shape) > MAX_RANK:
        raise UnsafeModelError(f"{place}: the shape is not a list of at most {MAX_RANK} sizes")
    if not _is_sizes(offsets) or len(offsets) != 2:
        raise UnsafeModelError(f"{place}: data_offsets are not two sizes")
    if offsets[1] - offsets[0] != math.prod(shape) * _SIZES[dtype]:
        raise UnsafeModelError(f"{place}: {dtype} {shape} does not fill the bytes {offsets}")
    return TensorEntry(dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 48 for n in value)


def _check_layout(path: Path, entries: Mapping[str, TensorEntry], start: int, size: int) -> None:
    """Raise UnsafeModelError unless the tensors fill the file, without holes or overlaps."""
    position = start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != position:
            raise UnsafeModelError(
                f"{path}: {name} begins at byte {entry.begin}, expected {position}"
            )
        position = entry.end
    if position != size:
        raise UnsafeModelError(f"{path}: the tensors end at byte {position}, the file at {size}")


def _fill(values: Floats, entry: TensorEntry, reader: StableReader) -> None:
    """Read a tensor's values of any float type into float32 [n]."""
    if entry.dtype == "F32":
        return reader.fill(entry.begin, values.view(np.uint8))
    raw = np.empty(values.size, _FLOATS[entry.dtype])
    reader.fill(entry.begin, raw.view(np.uint8))
    with np.errstate(over="ignore"):
        if entry.dtype == "BF16":  # the upper half of a float32
            values.view("<u4")[:] = raw.astype("<u4") << 16
        else:
            values[:] = raw
    return None


def _pieces(array: Floats) -> Iterator[Floats]:
    """Slices of a size for which a test for finite values allocates little."""
    return (array[i : i + MEGABYTE] for i in range(0, array.size, MEGABYTE))
