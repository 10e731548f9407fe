"""FAISS: exact below 100,000 rows, HNSW from there; cosine as the inner product of unit vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import needs
from poolwise.jobs.targets.index_file import Keys
from poolwise.jobs.targets.part_rows import VectorColumn

HNSW_FROM = 100_000
"""Rows: fewer are compared one by one."""

_NEIGHBOURS = 32
_EF_CONSTRUCTION, _EF_SEARCH = 100, 64


class FaissIndex:
    """``IndexIDMap2``, or ``IndexBinaryIDMap2`` for binary vectors."""

    kind = "faiss"

    def __init__(self, vector: VectorColumn, rows: int) -> None:
        with needs("faiss", "a FAISS target"):
            import faiss  # noqa: PLC0415 - an extra

        self._binary, d = vector.dtype == "binary", vector.dimensions
        self._faiss: Any = faiss
        graph = rows >= HNSW_FROM
        found: Any
        if self._binary:
            found = faiss.IndexBinaryHNSW(d, _NEIGHBOURS) if graph else faiss.IndexBinaryFlat(d)
        elif graph:
            found = faiss.IndexHNSWFlat(d, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        else:
            found = faiss.IndexFlatIP(d)
        if graph:
            found.hnsw.efConstruction, found.hnsw.efSearch = _EF_CONSTRUCTION, _EF_SEARCH
        with_keys: Any = faiss.IndexBinaryIDMap2 if self._binary else faiss.IndexIDMap2
        self._index = with_keys(found)

    def add(self, keys: Keys, vectors: NDArray[Any]) -> None:
        if not self._binary:
            vectors = vectors.astype(np.float32)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.where(lengths > 0, lengths, 1)
        self._index.add_with_ids(np.ascontiguousarray(vectors), keys)

    def save(self, file: BinaryIO) -> None:
        writer = self._faiss.PyCallbackIOWriter(file.write)
        write = self._faiss.write_index_binary if self._binary else self._faiss.write_index
        write(self._index, writer)

    @staticmethod
    def wrote(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(4) in (b"IxM2", b"IBM2")
