"""The vectors of a part, read a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError


@dataclass(frozen=True, slots=True)
class VectorRows:
    """``vectors`` [n, d] of the part's rows ``places`` [n], from 0; ``rows`` were read for them."""

    vectors: NDArray[Any]
    places: NDArray[np.int64]
    rows: int


def vector_rows(path: Path, column: str, width: int) -> Iterator[VectorRows]:
    """The vectors of a column, those of each row group; rows without one are left out.

    Where NaN has no place in a column's type, as in int8, a vector of zeros whose row is flagged
    ``nonfinite`` is none. Raises StoreError for a file that is damaged or no part.
    """
    with part_file(path) as file:
        type_ = file.schema_arrow.field(column).type
        is_bytes = pa.types.is_fixed_size_list(type_) and pa.types.is_int8(type_.value_type)
        columns = [column, "nonfinite"] if is_bytes else [column]
        first = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=columns)
            chunks = table[column].combine_chunks()
            present = chunks.is_valid().to_numpy(zero_copy_only=False)
            vectors = chunks.flatten().to_numpy(zero_copy_only=False)
            vectors = vectors.reshape(np.count_nonzero(present), width)
            places = first + np.flatnonzero(present)
            if is_bytes:
                flags = table["nonfinite"].to_numpy()[present].astype(np.bool_)
                known = ~flags
                known[flags] = vectors[flags].any(axis=1)
                if not known.all():
                    vectors, places = vectors[known], places[known]
            yield VectorRows(vectors, places, len(table))
            first += len(table)


@contextmanager
def part_file(path: Path) -> Iterator[pq.ParquetFile]:
    """A part, open. Raises StoreError where it is damaged, or lacks what is read of it."""
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise StoreError(
            f"{path} is damaged, or no part of this job: {error}; poolwise verify "
            f"{path.parent} says more"
        ) from error
