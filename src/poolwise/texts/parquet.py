"""Columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row, as_id, as_text, known_column, text_column
from poolwise.texts.files import STDIN, TextFile, reading

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

_ROWS = 1024
_BUFFER = 1 << 20


def read_parquet(file: TextFile, columns: Columns) -> Iterator[Row]:
    """The rows, a thousand at a time, however large the file's row groups are."""
    with _opened(file) as parquet:
        names = parquet.schema_arrow.names
        text = text_column(names, columns.text, file.label)
        asked = [text]
        if columns.id is not None:
            asked.append(known_column(names, columns.id, file.label))
        row = 0
        for batch in parquet.iter_batches(_ROWS, columns=asked):
            for value, name in zip(*_values(batch, asked), strict=True):
                where = f"{file.label}, row {row}"
                key = None if columns.id is None else as_id(name, columns.id, where)
                yield as_text(value, text, where), key
                row += 1


def count_parquet(file: TextFile) -> int | None:
    """The number of rows, from the footer."""
    with _opened(file) as parquet:
        return int(parquet.metadata.num_rows)


def _values(batch: pa.RecordBatch, asked: list[str]) -> tuple[list[object], list[object]]:
    values = [batch.column(name).to_pylist() for name in asked]
    return values[0], values[-1]


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
