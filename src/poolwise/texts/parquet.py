"""Columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import reduce
from itertools import islice
from typing import IO, TYPE_CHECKING, NamedTuple

from poolwise.errors import TextError
from poolwise.texts.bad_values import BadValue, bad_byte, too_long
from poolwise.texts.columns import MAX_NESTED, Table, known_column
from poolwise.texts.contents import HEAD, binary_format
from poolwise.texts.files import STDIN, TextFile, reading
from poolwise.texts.limits import check_ratio, too_large
from poolwise.texts.remote_files import is_url, open_remote

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

_MAX_ROWS = 1024
_MIN_ROWS = 16
_MAX_BYTES = 1 << 28
"""Rows are read so many at a time, and few enough to be no more bytes than this if all were as
large as the largest that there can be."""

_HIGH_RATIO = 16
"""Columns that are compressed by more than this may hold texts that are very long: then one row is
read at a time."""

_BUFFER = 1 << 20


class _Column(NamedTuple):
    """``path``: a column's name, and those of the fields in structs within it."""

    path: tuple[str, ...]
    type: pa.DataType


def read_parquet(file: TextFile, *, lenient: bool = False) -> Table:
    """A Parquet file, read a few rows at a time, however large its row groups are.

    Its columns are also the fields of structs, by their paths (``review.body``).
    """
    with open_parquet(file) as parquet:
        schema, row_count = parquet.schema_arrow, int(parquet.metadata.num_rows)
    columns: list[str] = schema.names
    nested = _columns(schema).keys() - columns
    names = [*columns, *(name for name in _columns(schema) if name in nested)]

    def rows_from(names: Sequence[str], first: int) -> Iterator[tuple[int, Sequence[object]]]:
        return _rows(file, names, first, lenient=lenient)

    return Table(
        file.label,
        names,
        lambda names: rows_from(names, 0),
        unit="row",
        rows_from=rows_from,
        row_count=lambda: row_count,
    )


def count_parquet(file: TextFile) -> int | None:
    """The number of rows, from the footer."""
    with open_parquet(file) as parquet:
        return int(parquet.metadata.num_rows)


def parquet_types(file: TextFile, names: Sequence[str]) -> Mapping[str, pa.DataType]:
    """The types of columns; of categories that of their values."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    with open_parquet(file) as parquet:
        columns = _columns(parquet.schema_arrow)
    types = {name: columns[known_column(list(columns), name, file.label)].type for name in names}
    return {name: of.value_type if pa.types.is_dictionary(of) else of for name, of in types.items()}


def _rows(
    file: TextFile, names: Sequence[str], first: int, *, lenient: bool
) -> Iterator[tuple[int, Sequence[object]]]:
    with open_parquet(file) as parquet:
        columns = _columns(parquet.schema_arrow)
        batch_rows = _batch_rows(parquet, [columns[name].path[0] for name in names], file)
        row, groups = _groups_from(parquet.metadata, first)
        roots = list(dict.fromkeys(names))
        for whole in parquet.iter_batches(batch_rows, row_groups=groups, columns=roots):
            begin = min(max(first - row, 0), len(whole))
            row, batch = row + begin, whole.slice(begin)
            arrays = {name: _array(batch, columns[name]) for name in names}
            large, long_names = _large_rows(arrays, file.max_bytes)
            if large and not lenient:
                at, size = next(iter(large.items()))
                raise too_large(f"{file.label}, row {row + at}", file.max_bytes, size)
            bad = {at: too_long(size, file.max_bytes) for at, size in large.items()}
            fields = {
                name: _readable(array, bad if name in long_names else {})
                if lenient
                else _values(array)
                for name, array in arrays.items()
            }
            for values in zip(*(fields[name] for name in names), strict=True):
                yield row, values
                row += 1


def _groups_from(metadata: pq.FileMetaData, first: int) -> tuple[int, list[int]]:
    """The row groups from that of the row ``first`` on, and the number of rows before them."""
    before = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if before + rows > first:
            return before, list(range(group, metadata.num_row_groups))
        before += rows
    return before, []


def _batch_rows(parquet: pq.ParquetFile, roots: Sequence[str], file: TextFile) -> int:
    """Rows to read at a time, by the sizes of the columns in each row group. A text is stored once
    however many rows it is in, so each row may be as large as its column."""
    paths = [parquet.schema.column(i).path for i in range(len(parquet.schema))]
    leaves = [
        i
        for i, path in enumerate(paths)
        if any(path == root or path.startswith(f"{root}.") for root in roots)
    ]
    largest, min_rows = 1, _MIN_ROWS
    for number in range(parquet.metadata.num_row_groups):
        for column in map(parquet.metadata.row_group(number).column, leaves):
            compressed, size = column.total_compressed_size, column.total_uncompressed_size
            check_ratio(file.label, compressed, size)
            largest = max(largest, size)
            if size > _HIGH_RATIO * compressed:
                min_rows = 1
    return max(min_rows, min(_MAX_ROWS, _MAX_BYTES // largest))


def _large_rows(
    arrays: Mapping[str, pa.Array], max_bytes: int
) -> tuple[Mapping[int, int], frozenset[str]]:
    """The sizes of rows whose texts are too large, by row, before they become Python's; and the
    columns that have such long texts."""
    import pyarrow as pa  # noqa: PLC0415 - as below
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # noqa: PLC0415 - as below

    sizes: dict[int, int] = {}
    names = set()
    for name, array in arrays.items():
        of = array.dictionary if pa.types.is_dictionary(array.type) else array
        if not (pa.types.is_string(of.type) or pa.types.is_large_string(of.type)):
            continue
        lengths = pc.binary_length(of)
        if of is not array:
            lengths = lengths.take(array.indices)
        if (pc.sum(lengths).as_py() or 0) * len(arrays) > max_bytes:
            names.add(name)
            for row, size in enumerate(lengths.to_pylist()):
                sizes[row] = sizes.get(row, 0) + (size or 0)
    return {row: size for row, size in sizes.items() if size > max_bytes}, frozenset(names)


def _columns(schema: pa.Schema) -> Mapping[str, _Column]:
    """By their paths: columns, and then the fields of structs within them."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    columns = [_Column((field.name,), field.type) for field in schema]
    by_path: dict[str, _Column] = {}
    max_columns = len(columns) + MAX_NESTED
    for column in columns:  # the list grows in the loop
        by_path.setdefault(".".join(column.path), column)
        if pa.types.is_struct(column.type):
            nested = islice(column.type, max_columns - len(columns))
            columns += [_Column((*column.path, field.name), field.type) for field in nested]
    return by_path


def _array(batch: pa.RecordBatch, column: _Column) -> pa.Array:
    import pyarrow.compute as pc  # noqa: PLC0415 - as below

    first, *nested = column.path
    return reduce(pc.struct_field, nested, batch.column(first))


def _values(array: pa.Array) -> list[object]:
    """Python's values; Arrow's scalars of times, for Python has no nanoseconds."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    if pa.types.is_temporal(array.type):
        return [value if value.is_valid else None for value in array]
    values: list[object] = array.to_pylist()
    return values


def _readable(array: pa.Array, bad: Mapping[int, BadValue]) -> list[object]:
    """Python's values, bad ones in the rows of ``bad`` and where texts are not UTF-8."""
    import pyarrow as pa  # noqa: PLC0415 - as below

    if bad:
        rows = [None if row in bad else row for row in range(len(array))]
        array = array.take(pa.array(rows, pa.int64()))
    try:
        values = _values(array)
    except UnicodeDecodeError:
        values = [_readable_value(value) for value in array]
    for row, value in bad.items():
        values[row] = value
    return values


def _readable_value(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError as error:
        return bad_byte(error.object[error.start], error.start, "utf-8")


@contextmanager
def open_parquet(file: TextFile) -> Iterator[pq.ParquetFile]:
    """The file, open. Raises TextError where it cannot be read as Parquet, also in the block."""
    if file.path == STDIN:
        raise TextError("Parquet cannot be read from standard input; name a file")
    if not file.repeatable:
        raise TextError(f"Parquet cannot be read from a pipe ({file.label}); name a file")
    import pyarrow as pa  # noqa: PLC0415 - other files are read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with (
            reading(file.label),
            _bytes_of(file) as stored,
            pq.ParquetFile(stored, buffer_size=_BUFFER) as parquet,
        ):
            yield parquet
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise TextError(
            f"{file.label} cannot be read as Parquet: {_actual_format(file) or error}"
        ) from error


def _bytes_of(file: TextFile) -> AbstractContextManager[str | IO[bytes]]:
    """What Arrow reads: a path, which it opens itself, or the bytes behind a URL."""
    if is_url(file.path):
        return open_remote(file.path, in_order=False)
    return nullcontext(file.path)


def _actual_format(file: TextFile) -> str:
    """The binary format of the file, if it is another than Parquet."""
    with reading(file.label), file.stored() as stored:
        head = stored.read(HEAD)
    detected = None if head.startswith(b"PAR1") else binary_format(head)
    return "" if detected is None else f"it is {detected[0]}; {detected[1]}"
