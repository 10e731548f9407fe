"""Columns of Arrow as vectors, with the type that their numbers have there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.doctor.stored.vector_table import ColumnKind, VectorColumn, VectorRows
from poolwise.errors import StoreError


def column_kinds(schema: pa.Schema) -> dict[str, ColumnKind]:
    """The kinds of the columns, by name."""
    return {field.name: column_kind(field.type) for field in schema}


def column_kind(type_: pa.DataType) -> ColumnKind:
    """The kind of a column of this type."""
    type_, is_ = _stored(type_), pa.types
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_):
        return "text"
    if _is_list(type_):
        if is_.is_floating(type_.value_type):
            return "floats"
        if type_.value_type in (pa.int8(), pa.uint8()):
            return "bytes"
    return "other"


def arrow_rows(table: pa.Table, vectors: str, fields: Sequence[str], label: str) -> VectorRows:
    """The rows of a table. Raises StoreError for vectors that differ in length."""
    values: Mapping[str, Any] = {name: table[name].to_pylist() for name in fields}
    return VectorRows(vectors_of(table[vectors], f"{vectors!r:.60} of {label}"), values)


def vectors_of(column: pa.ChunkedArray, label: str) -> VectorColumn:
    """The vectors of a column; one that has a null among its numbers, or none, is none.

    A column of texts has vectors in pgvector's text form, ``[0.25,-1]``, as JSON: float64.
    """
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column_kind(array.type) == "text":
        array = _parsed(array, label)
    elif pa.types.is_null(array.type):
        return VectorColumn(np.empty((0, 0), np.float32), np.zeros(len(array), np.bool_))
    elif not (_is_list(array.type) and _is_number(array.type.value_type)):
        raise StoreError(
            f"the column {label} is {array.type}, expected lists of numbers; name another column"
        )
    rows = array.to_pylist() if array.flatten().null_count else None
    if rows is None:
        present = _bools(array.is_valid())
    else:
        present = np.array([bool(row) and None not in row for row in rows], np.bool_)
    lengths = np.zeros(len(array), np.int64)
    lengths[present] = _lengths(array.filter(pa.array(present)))
    present &= lengths > 0
    widths = np.unique(lengths[present])
    if len(widths) > 1:
        raise ragged(lengths, present, label)
    array = array.filter(pa.array(present))
    width = int(widths[0]) if len(widths) else 0
    values = np.from_dlpack(array.flatten())
    return VectorColumn(values.reshape(len(array), width), present)


def ragged(lengths: NDArray[np.int64], present: NDArray[np.bool_], label: str) -> StoreError:
    """The error of vectors that differ in length."""
    widths, counts = np.unique(lengths[present], return_counts=True)
    first, other = (int(widths[at]) for at in np.argsort(-counts, kind="stable")[:2])
    return StoreError(
        f"the vectors in {label} differ in length: found {first:,} and {other:,} numbers, "
        "expected one length; remove the rows of another model"
    )


def _parsed(array: pa.Array, label: str) -> pa.Array:
    rows: list[Any] = []
    for text in array.to_pylist():
        try:
            row = None if text is None else json.loads(text)
        except ValueError:
            row = text
        if not (row is None or (isinstance(row, list) and all(map(_is_float, row)))):
            raise StoreError(
                f"the column {label} holds the text {text!r:.40}, expected vectors such as "
                "[0.25,-1]; name another column"
            )
        rows.append(row)
    return pa.array([None if row is None else [*map(float, row)] for row in rows], _PARSED)


_PARSED = pa.list_(pa.float64())


def _is_float(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(type_: pa.DataType) -> bool:
    is_ = pa.types
    return bool(is_.is_fixed_size_list(type_) or is_.is_list(type_) or is_.is_large_list(type_))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))


def _stored(type_: pa.DataType) -> pa.DataType:
    if isinstance(type_, pa.BaseExtensionType):
        return _stored(type_.storage_type)
    return _stored(type_.value_type) if pa.types.is_dictionary(type_) else type_


def _lengths(array: pa.Array) -> NDArray[np.int64]:
    """Of lists without null."""
    if pa.types.is_fixed_size_list(array.type):
        return np.full(len(array), array.type.list_size, np.int64)
    return np.diff(np.from_dlpack(array.offsets)).astype(np.int64)


def _bools(array: pa.BooleanArray) -> NDArray[np.bool_]:
    return np.from_dlpack(array.cast(pa.uint8())).astype(np.bool_)
