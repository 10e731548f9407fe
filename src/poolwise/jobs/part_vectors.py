"""The vectors of a part, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.jobs.stored_rows import part_file


@dataclass(frozen=True, slots=True)
class PartVectors:
    """``vectors`` [n, d] of the part's rows ``places`` [n], from 0; ``rows`` were read for them."""

    vectors: NDArray[Any]
    places: NDArray[np.int64]
    rows: int


def part_vectors(path: Path, column: str, width: int, *, is_bytes: bool) -> Iterator[PartVectors]:
    """The vectors of a column, float [n, width], or int8 where ``is_bytes``; rows without one are
    left out.

    Since int8 has no NaN, a vector of zeros there whose row is flagged ``nonfinite`` is none.
    Raises StoreError for a file that cannot be read, or has no such column.
    """
    columns = [column, "nonfinite"] if is_bytes else [column]
    first = 0
    with part_file(path) as file:
        _check_column(path, file.schema_arrow, column, width, is_bytes=is_bytes)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=columns)
            chunk = table[column].combine_chunks()
            there = _bools(chunk.is_valid())
            # Arrow's to_numpy imports pandas, which takes longer than most searches.
            vectors = np.from_dlpack(chunk.flatten()).reshape(-1, width)
            places = first + np.flatnonzero(there)
            if is_bytes:
                known = ~_bools(table["nonfinite"].combine_chunks().fill_null(True))[there]
                if not known.all():
                    known |= vectors.any(axis=1)
                    vectors, places = vectors[known], places[known]
            yield PartVectors(vectors, places, len(table))
            first += len(table)


def _bools(array: pa.BooleanArray) -> NDArray[np.bool_]:
    return np.from_dlpack(array.cast(pa.uint8())).astype(np.bool_)


def _check_column(
    path: Path, schema: pa.Schema, column: str, width: int, *, is_bytes: bool
) -> None:
    """Raise StoreError for a column that does not hold such vectors."""
    type_ = schema.field(column).type if column in schema.names else pa.null()
    types = [pa.int8()] if is_bytes else [pa.float32(), pa.float16()]
    if type_ not in [pa.list_(value, width) for value in types]:
        raise StoreError(
            f"the column {column!r:.60} of {path} is {type_}, expected {width} values of "
            f"{' or '.join(map(str, types))}; poolwise verify {path.parent} says more"
        )
