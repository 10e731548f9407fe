"""The rows of committed parts, numbered through."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Part

_CHUNK = 1 << 14


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows in some parts of ``folder``, numbered through: ``starts`` has the number of each
    part's first row, and at its end that of all rows."""

    folder: JobFolder
    parts: tuple[int, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, folder: JobFolder, parts: Sequence[Part]) -> StoredRows:
        """Those of the committed parts."""
        numbers = tuple(part.number for part in parts if folder.has(part.number))
        rows = []
        for number in numbers:
            with part_file(folder.part(number)) as file:
                rows.append(file.metadata.num_rows)
        return cls(folder, numbers, tuple(np.cumsum([0, *rows]).tolist()))

    def __len__(self) -> int:
        return self.starts[-1]

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of all rows, some at a time."""
        for number in self.parts:
            with part_file(self.folder.part(number)) as file:
                yield from file.iter_batches(_CHUNK, columns=list(columns))

    def part_of(self, number: int) -> int:
        """The number of the part that holds this row."""
        return self.parts[bisect_right(self.starts, number) - 1]

    def take(self, numbers: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Columns of the rows with these numbers, in this order; a part's rows of them are read at
        once."""
        order = np.argsort(numbers, kind="stable")
        wanted = numbers[order]
        tables, start = [], 0
        while start < len(wanted):
            place = bisect_right(self.starts, int(wanted[start])) - 1
            first, end = self.starts[place], self.starts[place + 1]
            stop = int(np.searchsorted(wanted, end))
            tables.append(self._take(self.parts[place], wanted[start:stop] - first, columns))
            start = stop
        return pa.concat_tables(tables).take(_indices(np.argsort(order, kind="stable")))

    def _take(self, part: int, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Rows of a part, ascending; row groups without any are not read."""
        tables, first = [], 0
        with part_file(self.folder.part(part)) as file:
            for group in range(file.num_row_groups):
                end = first + file.metadata.row_group(group).num_rows
                chosen = rows[(rows >= first) & (rows < end)] - first
                if len(chosen):
                    tables.append(
                        file.read_row_group(group, columns=list(columns)).take(_indices(chosen))
                    )
                first = end
        return pa.concat_tables(tables)


def _indices(rows: NDArray[np.int64]) -> pa.Array:
    """``pa.array`` would import pandas."""
    values = np.ascontiguousarray(rows, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


@contextmanager
def part_file(path: Path) -> Iterator[pq.ParquetFile]:
    """A part, open. Raises StoreError where it cannot be read."""
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{path} cannot be read: {error}; poolwise verify {path.parent} says more"
        ) from error
