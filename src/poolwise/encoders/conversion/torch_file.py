"""A file as torch.save writes it: which tensors it holds, and where their bytes lie.

A zip archive of a pickle and of one record of plain bytes a storage; before torch 1.6 a few pickles
one behind the other, and then the storages. Neither is unpickled: see ``pickle_values``.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import SEEK_END, BytesIO, FileIO
from math import prod
from pathlib import Path
from struct import error as struct_error
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from poolwise.encoders.conversion.pickle_values import Call, Elsewhere, Named, read_pickle
from poolwise.encoders.conversion.stored_tensors import PIECE, SIZES, Stored, StoredError
from poolwise.encoders.safetensors_file import MAX_RANK, MAX_TENSORS
from poolwise.encoders.tensor_tables import Shape
from poolwise.encoders.untrusted_files import MEGABYTE

MAX_PICKLE = 8 * MEGABYTE
"""Of the pickle alone; a state dict takes about 200 bytes a tensor."""

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001

_KINDS = {
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
_STORAGES = {f"torch.{name}Storage": dtype for name, dtype in _KINDS.items()}
_TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETERS = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
_NAMES = {"collections.OrderedDict", "torch.Size", *_STORAGES, *_TENSORS, *_PARAMETERS}


@dataclass(frozen=True, slots=True)
class _Storage:
    """Where a storage's bytes lie in the file."""

    begin: int
    nbytes: int


def open_torch(path: Path) -> dict[str, Stored]:
    """The tensors of a state dict by name; no value of one has been read.

    Raises StoredError for a file that holds something else, or more.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            found, storages = _zipped(path) if zipped else _legacy(file)
    except OSError as error:  # of a place that no file has, too
        raise StoredError(f"cannot be read: {error.strerror or error}") from error
    if not isinstance(found, dict) or len(found) > MAX_TENSORS:
        raise _no_state_dict()
    end = path.stat().st_size
    return {name: _tensor(name, value, storages, path, end) for name, value in found.items()}


def _no_state_dict() -> StoredError:
    return StoredError(
        f"it is not a state dict (tensor names and tensors, at most {MAX_TENSORS:,})"
    )


class _Bounded(FileIO):
    """A file of which at most so much is read at once as the directory of a large model takes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_PICKLE:
            raise StoredError(f"refused, its zip directory has {size:,} bytes")
        return super().read(-1 if size is None else size) or b""


def _zipped(path: Path) -> tuple[Any, Mapping[str, _Storage | str]]:
    with _Bounded(path) as file:
        try:
            archive = ZipFile(file)
        except (BadZipFile, ValueError, NotImplementedError, OSError, struct_error) as error:
            raise StoredError(
                f"a damaged zip archive ({str(error)[:100]}); download it again"
            ) from error
        records = {info.filename: info for info in archive.infolist()}
        if len(records) > 2 * MAX_TENSORS:
            raise StoredError(f"refused, it is a zip archive of {len(records):,} files")
        pickles = [name for name in records if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise StoredError("it is a zip archive, but none of torch.save: it has no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        places = {name: _record(file, info) for name, info in records.items()}
        order = f"{root}byteorder"
        if order in places and _bytes(file, places, order) != b"little":
            raise StoredError("it was written on a machine of the other byte order")
        found = read_pickle(BytesIO(_bytes(file, places, pickles[0])), _NAMES)
    data = f"{root}data/"
    storages = {name.removeprefix(data): at for name, at in places.items() if name.startswith(data)}
    return found, storages


def _record(file: BinaryIO, info: Any) -> _Storage | str:
    """Where a record's bytes lie, behind a header of its own; or why they cannot be read."""
    if info.compress_type != ZIP_STORED or info.file_size != info.compress_size:
        return "compressed, which torch.save never does"
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        return "not where the zip archive says"
    lengths = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return _Storage(info.header_offset + 30 + sum(lengths), info.file_size)


def _bytes(file: BinaryIO, places: Mapping[str, _Storage | str], name: str) -> bytes:
    record = places[name]
    if isinstance(record, str):
        raise StoredError(f"refused, its {name[:100]!a} is {record}")
    if record.nbytes > MAX_PICKLE:
        raise StoredError(f"refused, its {name[:100]!a} has {record.nbytes:,} bytes")
    file.seek(record.begin)
    return file.read(record.nbytes)


def _legacy(file: BinaryIO) -> tuple[Any, Mapping[str, _Storage | str]]:
    """Five pickles, and behind them the storages in the order of the fifth, each after its count.

    How wide a value is stands only where a tensor names the storage.
    """
    head = BytesIO(file.read(MAX_PICKLE))
    magic = read_pickle(head, _NAMES)
    if magic != _MAGIC or read_pickle(head, ()) != _VERSION:
        raise StoredError("refused, it holds more than tensors, or is no file of torch.save")
    system = read_pickle(head, ())
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise StoredError("it was written on a machine of the other byte order")
    found, keys = read_pickle(head, _NAMES), read_pickle(head, ())
    values = found.values() if isinstance(found, dict) else ()
    named = [_reference(part) for value in values if (part := _parts(value)) is not None]
    widths = {key: SIZES[dtype] for dtype, key in named}
    storages: dict[str, _Storage | str] = {}
    at, end = head.tell(), file.seek(0, SEEK_END)
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in widths:
            raise StoredError("refused, it holds more than tensors: a storage of none")
        if at + 8 > end:
            storages[key] = "beyond the end of the file"
            continue
        file.seek(at)
        storage = _Storage(at + 8, int.from_bytes(file.read(8), "little") * widths[key])
        storages[key], at = storage, storage.begin + storage.nbytes
    return found, storages


def _parts(value: Any) -> tuple[Any, ...] | None:
    """What a tensor is rebuilt of, [storage, offset, sizes, strides, …]; None for another value."""
    while isinstance(value, Call) and value.name in _PARAMETERS and value.args:
        value = value.args[0]
    if isinstance(value, Call) and value.name in _TENSORS and len(value.args) >= 4:
        return value.args
    return None


def _reference(parts: tuple[Any, ...]) -> tuple[str, str]:
    """The type of the values of a storage, and its key."""
    match parts[0]:
        case Elsewhere(("storage", Named(kind), str(key), str(), int(), *view)):
            if kind in _STORAGES and not any(view):
                return _STORAGES[kind], key
    raise StoredError("it holds a tensor of a kind that is not read")


def _tensor(
    name: Any, value: Any, storages: Mapping[str, _Storage | str], path: Path, end: int
) -> Stored:
    parts = _parts(value)
    if not isinstance(name, str) or parts is None:
        raise _no_state_dict()
    dtype, key = _reference(parts)
    offset, shape, strides = parts[1], _sizes(parts[2]), _sizes(parts[3])
    if type(offset) is not int or shape is None or strides is None or len(shape) != len(strides):
        raise StoredError(f"{name[:100]!a} has no shape that is read")
    storage = storages.get(key, "missing from the file")
    if len(parts) > 6 and parts[6]:
        storage = "a view of other values"
    if isinstance(storage, str):
        return Stored(dtype, shape, lambda: iter(()), f"its values are {storage}")
    width, whole = SIZES[dtype], prod(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    begin, nbytes = storage.begin + offset * width, (last + 1 - offset) * width
    fault = ""
    if whole and not 0 <= offset <= last < storage.nbytes // width:
        fault = "its values are not within their storage"
    elif whole and begin + nbytes > end:
        fault = "its values are beyond the end of the file"
    elif _overlaps(shape, strides):
        fault = "several of its values are one in the file"
    pieces = partial(_straight, path, begin, whole * width)
    if whole and strides != _contiguous(shape):
        pieces = partial(_strided, path, begin, nbytes, width, (shape, strides))
    return Stored(dtype, shape, pieces, fault)


def _sizes(value: Any) -> Shape | None:
    if isinstance(value, Call) and value.name == "torch.Size" and len(value.args) == 1:
        value = value.args[0]
    if not isinstance(value, tuple) or len(value) > MAX_RANK:
        return None
    return value if all(type(n) is int and 0 <= n < 1 << 48 for n in value) else None


def _contiguous(shape: Shape) -> Shape:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _overlaps(shape: Shape, strides: Shape) -> bool:
    """Whether two places of a tensor may be the same value."""
    covered = 1
    for step, size in sorted(zip(strides, shape, strict=True)):
        if size > 1:
            if step < covered:
                return True
            covered = step * size
    return False


def _straight(path: Path, begin: int, nbytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        while nbytes and (piece := file.read(min(PIECE, nbytes))):
            nbytes -= len(piece)
            yield piece


def _strided(
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
        steps = tuple(step * width for step in strides)
        array = np.ndarray(shape, f"V{width}", mapped, begin - start, steps)
        rows = max(1, PIECE // max(1, width * prod(shape[1:])))
        for row in range(0, shape[0], rows):
            yield array[row : row + rows].tobytes()
