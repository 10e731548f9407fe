"""Parquet: a column a readout, beside ids, texts and row flags."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.files import AtomicFile
from poolwise.records import VectorBatch
from poolwise.stores.sink import ROW_COLUMNS, Layout, as_strings

_ROW_GROUP = 1 << 24
"""Bytes: batches are gathered until a row group holds so many."""


class ParquetSink:
    """``id`` (int64 or string), ``text`` (optional), the columns that are kept, a
    ``fixed_size_list[d]`` a readout, row flags."""

    def __init__(self, target: Path, layout: Layout, overwrite: bool) -> None:
        self._layout = layout
        self._output = AtomicFile(target, overwrite)
        self._writer: pq.ParquetWriter | None = None
        self._id_type: pa.DataType | None = None
        self._gathered: list[pa.Table] = []
        self._bytes = 0

    def write(self, batch: VectorBatch) -> None:
        table = self._table(batch)
        self._gathered.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _ROW_GROUP:
            self._write_row_group()

    def commit(self, metadata: Mapping[str, Any]) -> None:
        self._write_row_group()
        if self._writer is not None:
            self._writer.add_key_value_metadata(_described(self._writer.schema, metadata))
            self._writer.close()
        self._output.commit()

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.is_open = False  # or it writes a footer when it is collected
        self._output.discard()

    def _write_row_group(self) -> None:
        if not self._gathered:
            return
        table = pa.concat_tables(self._gathered)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._gathered, self._bytes = [], 0

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        """Vectors do not compress; the other columns do."""
        vectors = set(map(self._layout.column_of, self._layout.readouts))
        others = [name for name in schema.names if name not in vectors]
        return pq.ParquetWriter(
            self._output.file,
            schema,
            compression=dict.fromkeys(others, "zstd"),
            use_dictionary=False,
            write_statistics=others,
            store_schema=False,
        )

    def _table(self, batch: VectorBatch) -> pa.Table:
        columns = {"id": self._ids(batch)}
        if self._layout.with_text:
            columns["text"] = pa.array([row.text for row in batch.sentences], pa.string())
        columns |= {
            name: _extra_column([row.extra[at] for row in batch.sentences], name, type_)
            for at, (name, type_) in enumerate(self._layout.extra_columns.items())
        }
        columns |= {
            self._layout.column_of(name): _vectors(batch.vectors[name])
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


def _described(schema: pa.Schema, metadata: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Footer metadata. Arrow's copy of the schema is written here, not by Arrow at the start,
    because ``pyarrow.parquet.read_schema(…).metadata`` shows what stands in that copy only."""
    texts = as_strings(metadata)
    serialized = schema.with_metadata(texts).serialize()
    return {**texts, "ARROW:schema": base64.b64encode(serialized)}


def _extra_column(values: list[Any], name: str, type_: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type_)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise StoreError(
            f"the column {name!r} cannot be kept as {type_}: {error}; do not keep it"
        ) from None


def _vectors(vectors: NDArray[Any]) -> pa.Array:
    values = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, vectors.shape[1])
