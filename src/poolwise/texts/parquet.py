"""Columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poolwise.errors import TextError
from poolwise.texts.columns import Table, known_column
from poolwise.texts.contents import HEAD, found_in
from poolwise.texts.files import STDIN, TextFile, reading

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

_ROWS = 1024
_BUFFER = 1 << 20


class _Column(NamedTuple):
    """``path``: a column's name, and those of the fields in structs within it."""

    path: tuple[str, ...]
    type: pa.DataType


def read_parquet(file: TextFile) -> Table:
    """A Parquet file, read a thousand rows at a time, however large its row groups are.

    Its columns are also the fields of structs, by their paths (``review.body``).
    """
    with _opened(file) as parquet:
        schema = parquet.schema_arrow
    columns: list[str] = schema.names
    within = _columns(schema).keys() - columns
    names = [*columns, *(name for name in _columns(schema) if name in within)]
    return Table(file.label, names, lambda asked: _rows(file, asked), unit="row")


def count_parquet(file: TextFile) -> int | None:
    """The number of rows, from the footer."""
    with _opened(file) as parquet:
        return int(parquet.metadata.num_rows)


def parquet_types(file: TextFile, names: Sequence[str]) -> Mapping[str, pa.DataType]:
    """The types of columns; of categories that of their values."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    with _opened(file) as parquet:
        columns = _columns(parquet.schema_arrow)
    found = {name: columns[known_column(list(columns), name, file.label)].type for name in names}
    return {name: of.value_type if pa.types.is_dictionary(of) else of for name, of in found.items()}


def _rows(file: TextFile, asked: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
    with _opened(file) as parquet:
        columns = _columns(parquet.schema_arrow)
        row = 0
        for batch in parquet.iter_batches(_ROWS, columns=list(dict.fromkeys(asked))):
            read = [_values(batch, columns[name]) for name in asked]
            for values in zip(*read, strict=True):
                yield row, values
                row += 1


def _columns(schema: pa.Schema) -> Mapping[str, _Column]:
    """By what a user calls them: columns, and then the fields of structs within them."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    found = [_Column((field.name,), field.type) for field in schema]
    named: dict[str, _Column] = {}
    for column in found:  # which grows
        named.setdefault(".".join(column.path), column)
        if pa.types.is_struct(column.type):
            found += [_Column((*column.path, field.name), field.type) for field in column.type]
    return named


def _values(batch: pa.RecordBatch, column: _Column) -> list[object]:
    """As Python's; of times Arrow's own, for Python has no nanoseconds."""
    import pyarrow as pa  # noqa: PLC0415 - as below
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # noqa: PLC0415 - as below

    first, *within = column.path
    array = reduce(pc.struct_field, within, batch.column(first))
    if pa.types.is_temporal(column.type):
        return [value if value.is_valid else None for value in array]
    values: list[object] = array.to_pylist()
    return values


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
        raise TextError(
            f"{file.label} cannot be read as Parquet: {_found(file) or error}"
        ) from error


def _found(file: TextFile) -> str:
    """What the file is, if its first bytes are those of something else."""
    with reading(file.label), Path(file.path).open("rb") as stored:
        head = stored.read(HEAD)
    found = None if head.startswith(b"PAR1") else found_in(head)
    return "" if found is None else f"it is {found[0]}; {found[1]}"
