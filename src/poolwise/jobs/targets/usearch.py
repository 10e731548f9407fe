"""usearch: a graph of the vectors as they are, searched by cosine, or Hamming for binary ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import needs
from poolwise.jobs.targets.index_file import Keys
from poolwise.jobs.targets.part_rows import VectorColumn

_DTYPES = {"float32": "f32", "float16": "f16", "int8": "i8", "binary": "b1"}


class UsearchIndex:
    """``usearch.index.Index``; keys are ids."""

    kind = "usearch"

    def __init__(self, vector: VectorColumn, rows: int) -> None:
        with needs("usearch", "a usearch target"):
            from usearch.index import Index  # noqa: PLC0415 - an extra

        self._index: Any = Index(
            ndim=vector.dimensions,
            metric="hamming" if vector.dtype == "binary" else "cos",
            dtype=_DTYPES[vector.dtype],
        )

    def add(self, keys: Keys, vectors: NDArray[Any]) -> None:
        if len(keys):
            self._index.add(keys.astype(np.uint64), np.ascontiguousarray(vectors))

    def save(self, file: BinaryIO) -> None:
        self._index.save(file.name)  # the file that is open, by its temporary name

    @staticmethod
    def wrote(path: Path) -> bool:
        """The name stands behind the vectors, a matrix with two uint32 in front."""
        with path.open("rb") as file:
            start = file.read(8)
            if len(start) < 8:
                return False
            rows, row_bytes = struct.unpack("<II", start)
            file.seek(min(8 + rows * row_bytes, path.stat().st_size))
            return file.read(7) == b"usearch"
