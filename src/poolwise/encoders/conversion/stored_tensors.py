"""Tensors in a file that is to be converted: type, shape and their bytes in pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from poolwise.encoders.tensor_tables import Shape
from poolwise.encoders.untrusted_files import MEGABYTE

PIECE_BYTES = 8 * MEGABYTE
"""Bytes of a tensor in memory at a time."""

TYPE_BYTES = {
    name: width
    for width, names in {1: "BOOL U8 I8", 2: "I16 F16 BF16", 4: "I32 F32", 8: "I64 F64"}.items()
    for name in names.split()
}
"""Bytes of a value of each type, under safetensors' names."""


class ConversionError(Exception):
    """A file that cannot be converted; the message is a sentence without the file's name."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor. ``pieces`` reads its bytes, as in safetensors (C order, little-endian).

    ``fault`` is the reason why they cannot be read; no value is read before ``pieces`` is called.
    """

    dtype: str
    shape: Shape
    pieces: Callable[[], Iterator[bytes]]
    fault: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return prod(self.shape) * TYPE_BYTES[self.dtype]


def write_tensors(path: Path, tensors: Mapping[str, StoredTensor]) -> None:
    """Write a safetensors file in pieces. Raises ConversionError where bytes are missing."""
    # Wide values first, so that each lies where its type is aligned.
    names = sorted(tensors, key=lambda name: (-TYPE_BYTES[tensors[name].dtype], name))
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
            nbytes = sum(file.write(piece) for piece in tensors[name].pieces())
            if nbytes != tensors[name].nbytes:
                raise ConversionError(f"the file ends within {name[:100]!a}")
