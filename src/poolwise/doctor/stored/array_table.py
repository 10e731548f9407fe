"""Arrays: the rows of one [n, d] are vectors, others [n] may be their ids and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.stored.vector_table import (
    ColumnKind,
    OrderedTable,
    Places,
    VectorColumn,
    VectorRows,
)
from poolwise.errors import StoreError, listed

VECTORS = "vectors"
"""What the column of the only array is called."""


class ArrayTable(OrderedTable):
    """``arrays`` by name, of which those [n, d] of numbers are vectors; of one that is mapped from
    a file no more is read than is asked for. Those ``halved`` are the upper halves of float32.

    Raises StoreError where none of them is a matrix of numbers.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], label: str, halved: frozenset[str] = frozenset()
    ) -> None:
        self._label, self._halved = label, halved
        matrices = {name for name, array in arrays.items() if _is_matrix(array)}
        if not matrices:
            shapes = [f"{list(a.shape)} of {a.dtype}" for a in arrays.values()]
            raise StoreError(
                f"{label} holds {listed(shapes, limit=4) or 'nothing'}, expected vectors: an array "
                "[n, d] of numbers"
            )
        self._arrays = {name: arrays[name] for name in sorted(matrices)}
        # Arrays of other lengths belong to something else.
        lengths = {len(array) for array in self._arrays.values()}
        self._arrays |= {
            name: array
            for name, array in arrays.items()
            if array.ndim == 1 and {len(array)} == lengths and array.dtype.kind in "iuU"
        }

    @property
    def label(self) -> str:
        return self._label

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return {name: self._kind(name) for name in self._arrays}

    def count(self) -> int:
        return len(next(iter(self._arrays.values())))

    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        taken = self._arrays[vectors][places]
        if vectors in self._halved:
            taken = (taken.astype(np.uint32) << 16).view(np.float32)
        taken = np.ascontiguousarray(taken, taken.dtype.newbyteorder("="))
        present = np.ones(len(places), np.bool_)
        values = {name: self._arrays[name][places].tolist() for name in fields}
        return VectorRows(VectorColumn(taken, present), values)

    def ids(self, column: str) -> Iterator[Any]:
        yield from self._arrays[column].tolist()

    def _kind(self, name: str) -> ColumnKind:
        array = self._arrays[name]
        if array.ndim == 1:
            return "text" if array.dtype.kind == "U" else "other"
        return "floats" if array.dtype.kind == "f" or name in self._halved else "bytes"


def memory_table(data: Any, label: str) -> ArrayTable:
    """An array, a tensor of torch, or a list of vectors. Raises StoreError for anything else."""
    if hasattr(data, "detach"):
        data = data.detach().cpu()
        data = data.float() if str(data.dtype) == "torch.bfloat16" else data
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        raise StoreError(
            f"{label} cannot be made an array [n, d]: the vectors differ in length, or are no "
            f"numbers ({error})"
        ) from error
    return ArrayTable({VECTORS: array}, label)


def _is_matrix(array: NDArray[Any]) -> bool:
    return array.ndim == 2 and array.shape[1] > 0 and array.dtype.kind in "fiu"
