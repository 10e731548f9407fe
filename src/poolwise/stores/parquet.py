"""Parquet: a column a readout, beside ids, texts and row flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.errors import StoreError
from poolwise.records import VectorBatch
from poolwise.stores.parquet_output import ParquetOutput, vector_array
from poolwise.stores.sink import ROW_COLUMNS, Layout


class ParquetSink:
    """``id`` (int64 or string), ``text`` (optional), the columns that are kept, a
    ``fixed_size_list[d]`` a readout, row flags."""

    def __init__(self, target: Path, layout: Layout, overwrite: bool) -> None:
        self._layout = layout
        vectors = set(map(layout.column_of, layout.readouts))
        self._output = ParquetOutput(target, vectors, overwrite=overwrite)
        self._id_type: pa.DataType | None = None

    def write(self, batch: VectorBatch) -> None:
        self._output.write(self._table(batch))

    def commit(self, metadata: Mapping[str, Any]) -> None:
        self._output.commit(metadata)

    def discard(self) -> None:
        self._output.discard()

    def _table(self, batch: VectorBatch) -> pa.Table:
        columns = {"id": self._ids(batch)}
        if self._layout.with_text:
            columns["text"] = pa.array([row.text for row in batch.sentences], pa.string())
        columns |= {
            name: extra_column([row.extra[at] for row in batch.sentences], name, type_)
            for at, (name, type_) in enumerate(self._layout.extra_columns.items())
        }
        columns |= {
            self._layout.column_of(name): vector_array(batch.vectors[name])
            for name in self._layout.readouts
        }
        columns |= {name: pa.array(getattr(batch, name)) for name in ROW_COLUMNS}
        return pa.table(columns)

    def _ids(self, batch: VectorBatch) -> pa.Array:
        ids = [row.id for row in batch.sentences]
        if self._id_type is None:
            self._id_type = pa.string() if isinstance(ids[0], str) else pa.int64()
        try:
            return pa.array(ids, self._id_type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise StoreError(
                f"the ids begin as {self._id_type}, and then one is not: {error}; "
                "they must be all 64-bit integers or all texts"
            ) from None


def extra_column(values: list[Any], name: str, type_: pa.DataType) -> pa.Array:
    """A kept column. Raises StoreError for values that are not of its type."""
    try:
        return pa.array(values, type_)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise StoreError(
            f"the column {name!r} cannot be kept as {type_}: {error}; do not keep it"
        ) from None
