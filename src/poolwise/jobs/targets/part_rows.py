"""What the parts of a job hold, and their rows, a row group at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import ReadoutError, StoreError, listed
from poolwise.jobs.targets.target import PartFile
from poolwise.readouts import parse

_FLOATS = {pa.float32(): "float32", pa.float16(): "float16"}
_DTYPES = {**_FLOATS, pa.int8(): "int8", pa.uint8(): "binary"}


@dataclass(frozen=True, slots=True)
class VectorColumn:
    """A readout's column: its name in the parts, the readout's spec, ``width`` values a row.

    ``dtype`` is float32, float16, int8 or binary: 8 bits in each value, the highest first. The step
    ``binary`` writes bytes ``less_128``; a target is given the bytes.
    """

    name: str
    spec: str
    width: int
    dtype: str
    less_128: bool = False

    @property
    def dimensions(self) -> int:
        """Of the vector: numbers, or bits of a binary one."""
        return self.width * 8 if self.dtype == "binary" else self.width


@dataclass(frozen=True, slots=True)
class PartSchema:
    """The columns of all parts, as ``plain`` gives them, and which of them are readouts."""

    fields: pa.Schema
    vectors: tuple[VectorColumn, ...]

    @property
    def text_ids(self) -> bool:
        """Whether ids are texts; they are int64 otherwise."""
        return bool(pa.types.is_string(self.fields.field("id").type))

    def vector(self, wanted: str | None) -> VectorColumn:
        """The only readout, or the one with this spec or column name; StoreError otherwise."""
        found = [
            vector
            for vector in self.vectors
            if wanted is None or wanted in (vector.spec, vector.name)
        ]
        if len(found) == 1:
            return found[0]
        choices = listed([vector.spec for vector in self.vectors])
        if wanted is None:
            raise StoreError(
                f"the parts hold {len(self.vectors)} readouts and an index file takes one: add "
                f"?readout= and one of {choices}"
            )
        raise StoreError(f"found no readout {wanted!r:.60} in the parts, expected one of {choices}")


def part_schema(parts: Sequence[PartFile]) -> PartSchema:
    """What all ``parts`` hold; StoreError where they differ, or are none of a job."""
    if not parts:
        raise StoreError("found no parts to load, expected at least one")
    if len({part.name for part in parts}) < len(parts):
        raise StoreError("two of the parts have one name; load the parts of one output")
    first: pa.Schema = None
    for part in parts:
        schema = _schema(part)
        if first is None:
            first = schema
        elif not schema.equals(first):
            raise StoreError(
                f"the columns of {part.path} are not those of {parts[0].path}; load the parts of "
                "one job"
            )
    return _described(first, parts[0])


def row_groups(part: PartFile, columns: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a part, in order and as ``plain`` gives them; StoreError where they cannot be
    read."""
    try:
        with pq.ParquetFile(part.path) as file:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number, None if columns is None else list(columns))
                if len(table):
                    yield _plain_batch(table)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{part.path} cannot be read: {error}; verify the output") from error


def plain(type_: pa.DataType) -> pa.DataType:
    """The type that a target is given: no dictionaries, no views, no extensions, int64 ids."""
    if isinstance(type_, pa.BaseExtensionType):
        return plain(type_.storage_type)
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        return plain(type_.value_type)
    if pa.types.is_string_view(type_) or pa.types.is_large_string(type_):
        return pa.string()
    if pa.types.is_binary_view(type_) or pa.types.is_large_binary(type_):
        return pa.binary()
    return type_


def good_vectors(
    column: pa.FixedSizeListArray, vector: VectorColumn
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The vectors [m, width] that are there and finite, and of all n rows whether one is."""
    there = column.is_valid().to_numpy(zero_copy_only=False)
    vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    if vector.less_128:
        vectors = vectors.view(np.uint8) ^ np.uint8(128)
    if vectors.dtype.kind != "f":
        return vectors, there
    finite = np.isfinite(vectors).all(1)
    if finite.all():
        return vectors, there
    good = there.copy()
    good[there] = finite
    return vectors[finite], good


def only_good(column: pa.FixedSizeListArray, vector: VectorColumn) -> pa.FixedSizeListArray:
    """The column of ``good_vectors``, with null for each row that has none."""
    vectors, good = good_vectors(column, vector)
    values = np.zeros((len(good), column.type.list_size), vectors.dtype)
    values[good] = vectors
    return pa.FixedSizeListArray.from_arrays(
        pa.array(values.reshape(-1)), values.shape[1], mask=pa.array(~good)
    )


def _schema(part: PartFile) -> pa.Schema:
    try:
        with pq.ParquetFile(part.path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{part.path} cannot be read: {error}; verify the output") from error
    if rows != part.rows:
        raise StoreError(
            f"found {rows:,} rows in {part.path}, expected {part.rows:,}; verify the output"
        )
    return schema


def _described(schema: pa.Schema, part: PartFile) -> PartSchema:
    about = schema.metadata or {}
    try:
        readouts = json.loads(about[b"poolwise.readouts"])
        specs = json.loads(about.get(b"poolwise.columns", b"{}"))
    except (KeyError, ValueError):
        raise StoreError(f"{part.path} does not say its readouts: no part of a job") from None
    names = {spec: name for name, spec in specs.items()}
    vectors = [_vector(schema, names.get(spec, spec), spec, part) for spec in readouts]
    if "id" not in schema.names:
        raise StoreError(f"{part.path} has no column id: no part of a job")
    fields = [pa.field(field.name, plain(field.type)) for field in schema]
    at = schema.get_field_index("id")
    if pa.types.is_integer(fields[at].type):
        fields[at] = pa.field("id", pa.int64())
    elif not pa.types.is_string(fields[at].type):
        raise StoreError(f"the ids in {part.path} are {fields[at].type}, expected int64 or string")
    return PartSchema(pa.schema(fields), tuple(vectors))


def _vector(schema: pa.Schema, name: str, spec: str, part: PartFile) -> VectorColumn:
    type_: Any = schema.field(name).type if name in schema.names else pa.null()
    if not (pa.types.is_fixed_size_list(type_) and type_.value_type in _DTYPES):
        raise StoreError(
            f"the column {name!r:.60} in {part.path} is absent or {type_}, expected vectors"
        )
    dtype = _DTYPES[type_.value_type]
    less_128 = dtype == "int8" and _ends_in_binary(spec)
    return VectorColumn(name, spec, type_.list_size, "binary" if less_128 else dtype, less_128)


def _ends_in_binary(spec: str) -> bool:
    try:
        steps = parse(spec).steps
    except ReadoutError:
        return False
    return bool(steps) and steps[-1].name == "binary"


def _plain_batch(table: pa.Table) -> pa.RecordBatch:
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        type_ = pa.int64() if name == "id" and pa.types.is_integer(column.type) else None
        columns.append(_plain_column(column, type_ or plain(column.type)))
    return pa.record_batch(columns, names=table.column_names)


def _plain_column(column: pa.ChunkedArray, type_: pa.DataType) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no chunk, or too many bytes for one
        array = pa.concat_arrays(array.chunks)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array if array.type == type_ else array.cast(type_)
