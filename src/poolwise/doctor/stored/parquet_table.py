"""Parquet files as one table, read a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from poolwise.doctor.stored.arrow_columns import arrow_rows, column_kinds
from poolwise.doctor.stored.places import spread_in_groups
from poolwise.doctor.stored.vector_table import ColumnKind, OrderedTable, Places, VectorRows
from poolwise.errors import StoreError, TextError
from poolwise.texts.files import TextFile
from poolwise.texts.parquet import open_parquet

_ROWS = 1024
_MOST_GROUPS = 64
"""Row groups that a sample is read from: those of a large table are read in part."""


@dataclass(frozen=True, slots=True)
class _RowGroup:
    file: str
    number: int
    first: int
    rows: int


class ParquetTable(OrderedTable):
    """The rows of ``files``, one after another; its columns are those of the first.

    Raises StoreError where a file cannot be read, or lacks a column that is asked for.
    """

    def __init__(self, files: Sequence[str], label: str) -> None:
        self._label = label
        groups: list[tuple[str, int, int]] = []
        schema = None
        for file in files:
            with _opened(file) as parquet:
                schema = schema or parquet.schema_arrow
                groups += [
                    (file, number, parquet.metadata.row_group(number).num_rows)
                    for number in range(parquet.metadata.num_row_groups)
                ]
        self._columns = column_kinds(schema or pa.schema([]))
        firsts = accumulate((rows for _, _, rows in groups), initial=0)
        self._groups = [
            _RowGroup(file, number, first, rows)
            for (file, number, rows), first in zip(groups, firsts, strict=False)
        ]

    @property
    def label(self) -> str:
        return self._label

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return self._columns

    def count(self) -> int:
        return sum(group.rows for group in self._groups)

    def places(self, limit: int | None, seed: int) -> Places:
        return spread_in_groups([group.rows for group in self._groups], limit, seed, _MOST_GROUPS)

    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        names = list(dict.fromkeys([vectors, *fields]))
        taken: list[pa.Table] = []
        for file, groups in self._by_file():
            wanted = places[(places >= groups[0].first) & (places < _end(groups[-1]))]
            if len(wanted):
                with _opened(file, names) as parquet:
                    for group in groups:
                        inside = wanted[(wanted >= group.first) & (wanted < _end(group))]
                        taken += _taken(parquet, group, inside - group.first, names)
        try:
            table = pa.concat_tables(taken) if taken else None
        except pa.ArrowException as error:
            raise StoreError(
                f"the files of {self._label} have columns of different types: {error}; name the "
                "files of one kind"
            ) from error
        if table is None:
            raise StoreError(f"{self._label} holds no rows")
        return arrow_rows(table, vectors, fields, self._label)

    def ids(self, column: str) -> Iterator[Any]:
        for file, groups in self._by_file():
            with _opened(file, [column]) as parquet:
                numbers = [group.number for group in groups]
                for batch in parquet.iter_batches(_ROWS, row_groups=numbers, columns=[column]):
                    yield from batch[column].to_pylist()

    def _by_file(self) -> Iterator[tuple[str, list[_RowGroup]]]:
        groups: list[_RowGroup] = []
        for group in self._groups:
            if groups and groups[0].file != group.file:
                yield groups[0].file, groups
                groups = []
            groups.append(group)
        if groups:
            yield groups[0].file, groups


def _taken(
    parquet: pq.ParquetFile, group: _RowGroup, rows: Places, names: Sequence[str]
) -> Iterator[pa.Table]:
    """Rows of a group, ascending, which is read up to the last of them."""
    first = 0
    if not len(rows):
        return
    for batch in parquet.iter_batches(_ROWS, row_groups=[group.number], columns=list(names)):
        inside = rows[(rows >= first) & (rows < first + len(batch))] - first
        if len(inside):
            yield pa.Table.from_batches([batch]).select(list(names)).take(pa.array(inside))
        first += len(batch)
        if first > rows[-1]:
            return


def _end(group: _RowGroup) -> int:
    return group.first + group.rows


@contextmanager
def _opened(file: str, columns: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """A file, which has these columns."""
    try:
        with open_parquet(TextFile(file)) as parquet:
            if missing := [name for name in columns if name not in parquet.schema_arrow.names]:
                raise StoreError(
                    f"{file} has no column {missing[0]!r:.60}, which other files of the same input "
                    "have; name the files of one kind"
                )
            yield parquet
    except TextError as error:
        raise StoreError(str(error)) from error
