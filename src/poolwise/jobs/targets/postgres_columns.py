"""The columns of a PostgreSQL table that holds the rows of parts."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.errors import StoreError, listed
from poolwise.jobs.targets.part_rows import PartSchema, VectorColumn, good_vectors
from poolwise.jobs.targets.sql_types import (
    Encoder,
    Fields,
    as_bytes,
    fixed,
    loses_nanoseconds,
    sql_type,
)
from poolwise.jobs.targets.target_names import target_names

_SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
_MOST_DIMENSIONS = {"vector": 16_000, "halfvec": 16_000, "bit": 83_886_080}
_ROWS_A_WRITE = 1024


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column: its name in the parts and in the table, its SQL type, what encodes it."""

    part_name: str
    name: str
    type: str
    encode: Encoder
    vector: VectorColumn | None = None


@dataclass(frozen=True, slots=True)
class HnswIndex:
    """What an index is on: an SQL expression in which ``{}`` is the column, and its operators."""

    column: SqlColumn
    expression: str
    operators: str


def sql_columns(schema: PartSchema, without: Collection[str]) -> tuple[SqlColumn, ...]:
    """The columns in the order of the parts, but those ``without``; StoreError where one cannot be
    kept."""
    vectors = {vector.name: vector for vector in schema.vectors}
    if absent := sorted({*without} - {*schema.fields.names} | ({*without} & {"id"})):
        raise StoreError(
            f"without={absent[0]} names no column that can be left out; expected one of "
            f"{listed([name for name in schema.fields.names if name != 'id'])}"
        )
    names = target_names(schema, reserved=_SYSTEM_COLUMNS)
    columns = []
    for field in schema.fields:
        if field.name in without:
            continue
        vector = vectors.get(field.name)
        if vector is not None:
            found: tuple[str, Encoder] | None = _vector_type(vector), _encoder(vector)
        else:
            found = sql_type(field.type)
        if found is None:
            raise StoreError(
                f"PostgreSQL has no type for the column {field.name!r:.60} of {field.type}; leave "
                f"it out: without={field.name:.60}"
            )
        columns.append(SqlColumn(field.name, names[field.name], *found, vector))
    return tuple(columns)


def column_notes(schema: PartSchema, columns: Collection[SqlColumn]) -> Iterator[str]:
    """Where a column is not as in the parts."""
    for column in columns:
        if column.vector is not None and column.vector.dtype == "int8":
            yield (
                f"{column.name} holds int8 vectors as halfvec, which has every int8 exactly: "
                "PostgreSQL has no vectors of bytes"
            )
        if loses_nanoseconds(schema.fields.field(column.part_name).type):
            yield f"{column.name} is cut to microseconds, which is what PostgreSQL counts"


def hnsw_indexes(columns: Collection[SqlColumn]) -> tuple[list[HnswIndex], list[str]]:
    """An index for each column of vectors that can have one, and notes on the others."""
    indexes, notes = [], []
    for column in columns:
        if column.vector is None:
            continue
        kind, d = column.type.partition("(")[0], column.vector.dimensions
        if kind == "bit" and d <= 64_000:
            indexes.append(HnswIndex(column, "{}", "bit_hamming_ops"))
        elif (kind == "vector" and d <= 2000) or (kind == "halfvec" and d <= 4000):
            indexes.append(HnswIndex(column, "{}", f"{kind}_cosine_ops"))
        elif kind == "vector" and d <= 4000:
            indexes.append(HnswIndex(column, f"({{}}::halfvec({d}))", "halfvec_cosine_ops"))
            notes.append(
                f"the index of {column.name} is on {column.name}::halfvec({d}), for pgvector "
                "indexes at most 2,000 float32 dimensions: a query has to order by that"
            )
        else:
            notes.append(f"{column.name} has no index: pgvector has none for {d:,} dimensions")
    return indexes, notes


def copy_data(batches: Iterator[pa.RecordBatch], columns: Collection[SqlColumn]) -> Iterator[bytes]:
    """Rows as PostgreSQL's binary COPY takes them, some at a time."""
    yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
    count = struct.pack(">h", len(columns))
    for batch in batches:
        for start in range(0, len(batch), _ROWS_A_WRITE):
            rows = batch.slice(start, _ROWS_A_WRITE)
            fields = [_fields(rows, column) for column in columns]
            yield b"".join(count + b"".join(row) for row in zip(*fields, strict=True))
    yield struct.pack(">h", -1)


def _fields(rows: pa.RecordBatch, column: SqlColumn) -> Fields:
    try:
        return column.encode(rows[column.part_name])
    except StoreError as error:
        first, last = (rows["id"][at].as_py() for at in (0, -1))
        raise StoreError(
            f"among the ids from {first!r:.60} to {last!r:.60} the column {column.part_name!r:.60} "
            f"has {error}; leave the column out: without={column.part_name:.60}"
        ) from None


def _vector_type(vector: VectorColumn) -> str:
    kind = {"float32": "vector", "binary": "bit"}.get(vector.dtype, "halfvec")
    if vector.dimensions > _MOST_DIMENSIONS[kind]:
        raise StoreError(
            f"{vector.spec} has {vector.dimensions:,} dimensions and pgvector's {kind} at most "
            f"{_MOST_DIMENSIONS[kind]:,}; leave it out: without={vector.name:.60}"
        )
    return f"{kind}({vector.dimensions})"


def _encoder(vector: VectorColumn) -> Encoder:
    """pgvector's binary forms: dimensions and 0 as uint16, then big-endian floats; PostgreSQL's of
    bits: how many as int32, then the bytes."""
    if vector.dtype == "binary":
        head, dtype = struct.pack(">i", vector.dimensions), "u1"
    else:
        head = struct.pack(">HH", vector.dimensions, 0)
        dtype = ">f4" if vector.dtype == "float32" else ">f2"

    def encode(column: pa.Array) -> Fields:
        vectors, good = good_vectors(column, vector)
        framed: Any = np.empty((len(vectors), 4), np.uint8)
        framed[:] = np.frombuffer(head, np.uint8)
        return fixed(np.hstack([framed, as_bytes(vectors, dtype)]), good)

    return encode
