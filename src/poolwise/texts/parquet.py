"""Columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from poolwise.errors import TextError
from poolwise.texts.columns import MAX_NESTED, Table, known_column
from poolwise.texts.contents import HEAD, found_in
from poolwise.texts.files import STDIN, TextFile, reading
from poolwise.texts.limits import check_ratio, too_large

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

_MOST_ROWS = 1024
_LEAST_ROWS = 16
_HELD = 1 << 28
"""Rows are read so many at a time, and few enough to be no more bytes than this if all were as
large as the largest that there can be."""

_WELL = 16
"""Columns that are compressed by more than this may hold texts that are very long: then one row is
read at a time."""

_BUFFER = 1 << 20


class _Column(NamedTuple):
    """``path``: a column's name, and those of the fields in structs within it."""

    path: tuple[str, ...]
    type: pa.DataType


def read_parquet(file: TextFile) -> Table:
    """A Parquet file, read a few rows at a time, however large its row groups are.

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
        at_a_time = _rows_at_a_time(parquet, [columns[name].path[0] for name in asked], file)
        row = 0
        for batch in parquet.iter_batches(at_a_time, columns=list(dict.fromkeys(asked))):
            arrays = {name: _array(batch, columns[name]) for name in asked}
            _check_sizes(list(arrays.values()), row, file)
            for values in zip(*(_values(arrays[name]) for name in asked), strict=True):
                yield row, values
                row += 1


def _rows_at_a_time(parquet: pq.ParquetFile, roots: Sequence[str], file: TextFile) -> int:
    """As the sizes of the columns in each row group tell, compressed and not. A text is stored once
    however many rows it is in, so each of them may be as large as their column."""
    paths = [parquet.schema.column(at).path for at in range(len(parquet.schema))]
    places = [
        at
        for at, path in enumerate(paths)
        if any(path == root or path.startswith(f"{root}.") for root in roots)
    ]
    largest, least = 1, _LEAST_ROWS
    for number in range(parquet.metadata.num_row_groups):
        for column in map(parquet.metadata.row_group(number).column, places):
            packed, size = column.total_compressed_size, column.total_uncompressed_size
            check_ratio(file.label, packed, size)
            largest = max(largest, size)
            if size > _WELL * packed:
                least = 1
    return max(least, min(_MOST_ROWS, _HELD // largest))


def _check_sizes(arrays: Sequence[pa.Array], first: int, file: TextFile) -> None:
    """Raise TextError at a row whose texts are too large, before they become Python's."""
    import pyarrow as pa  # noqa: PLC0415 - as below
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # noqa: PLC0415 - as below

    sizes: dict[int, int] = {}
    for array in arrays:
        of = array.dictionary if pa.types.is_dictionary(array.type) else array
        if not (pa.types.is_string(of.type) or pa.types.is_large_string(of.type)):
            continue
        lengths = pc.binary_length(of)
        if of is not array:
            lengths = lengths.take(array.indices)
        if (pc.sum(lengths).as_py() or 0) * len(arrays) > file.max_bytes:
            for row, size in enumerate(lengths.to_pylist(), first):
                sizes[row] = sizes.get(row, 0) + (size or 0)
    for row, size in sizes.items():
        if size > file.max_bytes:
            raise too_large(f"{file.label}, row {row}", file.max_bytes, size)


def _columns(schema: pa.Schema) -> Mapping[str, _Column]:
    """By what a user calls them: columns, and then the fields of structs within them."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    found = [_Column((field.name,), field.type) for field in schema]
    named: dict[str, _Column] = {}
    max_columns = len(found) + MAX_NESTED
    for column in found:  # which grows
        named.setdefault(".".join(column.path), column)
        if pa.types.is_struct(column.type):
            within = islice(column.type, max_columns - len(found))
            found += [_Column((*column.path, field.name), field.type) for field in within]
    return named


def _array(batch: pa.RecordBatch, column: _Column) -> pa.Array:
    import pyarrow.compute as pc  # noqa: PLC0415 - as below

    first, *within = column.path
    return reduce(pc.struct_field, within, batch.column(first))


def _values(array: pa.Array) -> list[object]:
    """As Python's; of times Arrow's own, for Python has no nanoseconds."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    if pa.types.is_temporal(array.type):
        return [value if value.is_valid else None for value in array]
    values: list[object] = array.to_pylist()
    return values


@contextmanager
def _opened(file: TextFile) -> Iterator[pq.ParquetFile]:
    if file.path == STDIN:
        raise TextError("Parquet cannot be read from standard input; name a file")
    if not file.repeatable:
        raise TextError(f"Parquet cannot be read from a pipe ({file.label}); name a file")
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
