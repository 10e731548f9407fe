"""Frames of pandas and polars, and Arrow's tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.doctor.stored.arrow_columns import arrow_rows, column_kind, column_kinds
from poolwise.doctor.stored.vector_table import ColumnKind, OrderedTable, Places, VectorRows
from poolwise.errors import StoreError
from poolwise.inputs import describe

_FIRST = 8
"""Values that tell the type of a column of pandas' objects."""


def frame_table(data: Any, label: str) -> OrderedTable:
    """A frame, eager or lazy, or what else gives Arrow's. Raises StoreError for other data."""
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        data = data.collect()  # a lazy frame of polars
    if hasattr(data, "iloc"):
        return PandasTable(data, label)
    try:
        return ArrowTable(pa.table(data), label)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise StoreError(
            f"found {describe(data)}, expected a file of vectors, an array [n, d] or a frame"
        ) from error


class ArrowTable(OrderedTable):
    """A table of Arrow, or of polars, whose memory is not copied."""

    def __init__(self, table: pa.Table, label: str) -> None:
        self._table, self._label = table, label

    @property
    def label(self) -> str:
        return self._label

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return column_kinds(self._table.schema)

    def count(self) -> int:
        return int(self._table.num_rows)

    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        names = list(dict.fromkeys([vectors, *fields]))
        table = self._table.select(names)
        for at, field in enumerate(table.schema):
            if pa.types.is_string_view(field.type):  # polars' texts, of which Arrow takes no rows
                table = table.set_column(at, field.name, table[at].cast(pa.large_string()))
        taken = table.take(pa.array(places))
        return arrow_rows(taken, vectors, fields, self._label)

    def ids(self, column: str) -> Iterator[Any]:
        for chunk in self._table[column].chunks:
            yield from chunk.to_pylist()


class PandasTable(OrderedTable):
    """A frame of pandas, whose columns become Arrow's for the rows that are asked for."""

    def __init__(self, frame: Any, label: str) -> None:
        self._frame, self._label = frame, label

    @property
    def label(self) -> str:
        return self._label

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return {str(name): self._kind(at) for at, name in enumerate(self._frame.columns)}

    def count(self) -> int:
        return len(self._frame)

    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        names = list(dict.fromkeys([vectors, *fields]))
        try:
            taken = [self._array(self._column(name).iloc[places]) for name in names]
        except pa.ArrowException as error:
            raise StoreError(
                f"a column of {self._label} holds values of several kinds: {error}"
            ) from error
        return arrow_rows(pa.table(taken, names), vectors, fields, self._label)

    def ids(self, column: str) -> Iterator[Any]:
        yield from self._column(column).tolist()

    def _column(self, name: str) -> Any:
        return self._frame.iloc[:, [*map(str, self._frame.columns)].index(name)]

    def _kind(self, at: int) -> ColumnKind:
        try:
            type_ = self._array(self._frame.iloc[:, at].dropna().head(_FIRST)).type
        except pa.ArrowException:
            return "other"
        return column_kind(type_)

    @staticmethod
    def _array(column: Any) -> pa.ChunkedArray:
        array = pa.array(column, from_pandas=True)
        return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
