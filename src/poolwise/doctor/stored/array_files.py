"""Files of arrays: .npy, .npz and .safetensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from poolwise.doctor.stored.array_table import VECTORS, ArrayTable
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.errors import EncoderError, StoreError

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I8": "i1",
    "U8": "u1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
}


def open_npy(path: Path) -> ArrayTable:
    """A .npy file, mapped into memory. One of pickled objects is refused."""
    with _reading(path):
        return ArrayTable({VECTORS: np.load(path, mmap_mode="r", allow_pickle=False)}, str(path))


def open_npz(path: Path) -> ArrayTable:
    """A .npz file; arrays of pickled objects in it are left out."""
    arrays, pickled = {}, False
    with _reading(path), path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
        for name in file.files:
            try:
                arrays[name] = file[name]
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
                pickled = True
    if pickled and not arrays:
        raise _pickled(path)
    return ArrayTable(arrays, str(path))


def open_tensors(path: Path) -> ArrayTable:
    """A .safetensors file, mapped into memory."""
    try:
        entries = open_safetensors(path).entries
    except EncoderError as error:
        raise StoreError(str(error)) from error
    arrays = {}
    with _reading(path):
        for name, entry in entries.items():
            if entry.dtype in _TYPES and 0 not in entry.shape:
                dtype = np.dtype(_TYPES[entry.dtype])
                arrays[name] = np.memmap(path, dtype, "r", entry.begin, entry.shape)
    halved = frozenset(name for name in arrays if entries[name].dtype == "BF16")
    return ArrayTable(arrays, str(path), halved)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise StoreError(f"{path} takes more memory than there is") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, BadZipFile) as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise _pickled(path) from None
        raise StoreError(f"{path} is damaged: {error}; write it again") from error


def _pickled(path: Path) -> StoreError:
    return StoreError(
        f"{path} holds pickled Python objects, which are refused since loading them can run any "
        "program; save an array [n, d] of numbers instead: numpy.save(path, numpy.stack(vectors))"
    )
