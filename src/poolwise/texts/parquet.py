"""Columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.files import STDIN, TextFile, reading

if TYPE_CHECKING:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

_ROWS = 1024
_BUFFER = 1 << 20


def read_parquet(file: TextFile) -> Table:
    """A Parquet file, read a thousand rows at a time, however large its row groups are."""
    with _opened(file) as parquet:
        names = parquet.schema_arrow.names
    return Table(file.label, names, lambda asked: _rows(file, asked), unit="row")


def count_parquet(file: TextFile) -> int | None:
    """The number of rows, from the footer."""
    with _opened(file) as parquet:
        return int(parquet.metadata.num_rows)


def _rows(file: TextFile, asked: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
    with _opened(file) as parquet:
        row = 0
        for batch in parquet.iter_batches(_ROWS, columns=list(asked)):
            columns = [batch.column(name).to_pylist() for name in asked]
            for values in zip(*columns, strict=True):
                yield row, values
                row += 1


@contextmanager
def _opened(file: TextFile) -> Iterator[pq.ParquetFile]:
    if file.path == STDIN:
        raise TextError("Parquet cannot be read from standard input; name a file")
    import pyarrow as pa  # noqa: PLC0415 - other files are read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with reading(file.label), pq.ParquetFile(file.path, buffer_size=_BUFFER) as parquet:
            yield parquet
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise TextError(f"{file.label} cannot be read as Parquet: {error}") from error
