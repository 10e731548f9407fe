"""A Parquet file of vectors and other columns, written table by table."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from poolwise.files import AtomicFile
from poolwise.stores.sink import as_strings

_ROW_GROUP = 1 << 24
"""Bytes of vectors: tables are gathered until a row group holds so many."""


class ParquetOutput:
    """Tables of one schema in one file; ``vectors`` names the columns of vectors.

    The schema is that of the first table, unless it is given: a file without rows needs one. Equal
    rows in tables of equal lengths make equal bytes. Raises as ``AtomicFile`` does.
    """

    def __init__(
        self,
        target: Path,
        vectors: Collection[str],
        *,
        schema: pa.Schema | None = None,
        overwrite: bool = False,
    ) -> None:
        self._vectors = vectors
        self._output = AtomicFile(target, overwrite)
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._gathered: list[pa.Table] = []
        self._bytes = 0

    def write(self, table: pa.Table) -> None:
        """Append rows, at least one."""
        self._gathered.append(table)
        self._bytes += len(table) * sum(
            table.schema.field(name).type.list_size
            * table.schema.field(name).type.value_type.bit_width
            // 8
            for name in self._vectors
        )
        if self._bytes >= _ROW_GROUP:
            self._write_row_group()

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Put the file under its name, with ``metadata`` in its footer."""
        self._write_row_group()
        if self._writer is None and self._schema is not None:
            self._writer = self._open(self._schema)
        if self._writer is not None:
            self._writer.add_key_value_metadata(_described(self._writer.schema, metadata))
            self._writer.close()
        self._output.commit()

    def discard(self) -> None:
        """Leave nothing, whatever has happened before."""
        if self._writer is not None:
            self._writer.is_open = False  # or it writes a footer when it is collected
        self._output.discard()

    def _write_row_group(self) -> None:
        if not self._gathered:
            return
        table = pa.concat_tables(self._gathered)
        if self._writer is None:
            self._writer = self._open(self._schema or table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._gathered, self._bytes = [], 0

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        """Vectors do not compress; the other columns do."""
        others = [name for name in schema.names if name not in self._vectors]
        return pq.ParquetWriter(
            self._output.file,
            schema,
            compression=dict.fromkeys(others, "zstd"),
            use_dictionary=False,
            write_statistics=others,
            write_page_checksum=True,
            store_schema=False,
        )


def vector_array(vectors: Any, absent: Any = None) -> pa.Array:
    """Vectors [n, d] as lists of a fixed size; rows where ``absent``, bool [n], are null."""
    values = pa.array(vectors.reshape(-1))
    mask = None if absent is None else pa.array(absent)
    return pa.FixedSizeListArray.from_arrays(values, vectors.shape[1], mask=mask)


def _described(schema: pa.Schema, metadata: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Footer metadata. Arrow's copy of the schema is written here, not by Arrow at the start,
    because ``pyarrow.parquet.read_schema(…).metadata`` shows what stands in that copy only."""
    texts = as_strings(metadata)
    serialized = schema.with_metadata(texts).serialize()
    return {**texts, "ARROW:schema": base64.b64encode(serialized)}
