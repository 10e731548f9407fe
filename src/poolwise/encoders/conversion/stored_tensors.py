"""Tensors in a file that is to be converted: what is said of them, and their bytes by pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from poolwise.encoders.tensor_tables import Shape
from poolwise.encoders.untrusted_files import MEGABYTE

PIECE = 8 * MEGABYTE
"""Bytes of a tensor that are in memory at a time."""

SIZES = {
    name: bytes_
    for bytes_, names in {1: "BOOL U8 I8", 2: "I16 F16 BF16", 4: "I32 F32", 8: "I64 F64"}.items()
    for name in names.split()
}
"""Bytes of a value of each type, under safetensors' names."""


class StoredError(Exception):
    """A file that cannot be converted; the message is a sentence without the file's name."""


@dataclass(frozen=True)
class Stored:
    """One tensor. ``pieces`` reads its bytes, in the order of safetensors (C order, little-endian).

    ``fault`` says why they cannot be read; nothing of the values has been read before.
    """

    dtype: str
    shape: Shape
    pieces: Callable[[], Iterator[bytes]]
    fault: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return prod(self.shape) * SIZES[self.dtype]


def write_stored(path: Path, tensors: Mapping[str, Stored]) -> None:
    """Write a safetensors file, a piece at a time. Raises StoredError where bytes are missing."""
    # Wide values first, so that each lies where its type is aligned.
    names = sorted(tensors, key=lambda name: (-SIZES[tensors[name].dtype], name))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        begin, end = end, end + tensors[name].nbytes
        shape = list(tensors[name].shape)
        header[name] = {
            "dtype": tensors[name].dtype,
            "shape": shape,
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            written = sum(file.write(piece) for piece in tensors[name].pieces())
            if written != tensors[name].nbytes:
                raise StoredError(f"the file ends within {name[:100]!a}")
