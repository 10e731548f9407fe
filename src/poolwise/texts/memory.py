"""Python data as a table: frames, Arrow tables, datasets, columns and rows.

No library is imported for it: a frame is known by its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from poolwise.errors import TextError
from poolwise.inputs import column_names, describe
from poolwise.records import Sentence
from poolwise.texts.columns import MISSING, Table, field_paths, find_value, listed_columns
from poolwise.texts.limits import check_fields

Rows = Callable[[Sequence[str]], Iterable[Sequence[object]]]
"""The values of each row in columns of these names."""

_NULLS = {"NAType", "NaTType"}
"""pandas' types of a missing value."""

_TO_PYTHON = ("as_py", "tolist", "to_list")
"""Methods of Arrow's, NumPy's and polars' values that return Python's."""


def is_table(data: object) -> bool:
    """Has it named columns, as a frame, an Arrow table or a dataset?"""
    return column_names(data) is not None


def table_of(data: object, label: str, max_bytes: int, fields: Sequence[str]) -> Table:
    """The table that Python data holds: a frame (pandas, polars, anything of Arrow), a dataset, a
    dict of columns, a tuple of columns, or a list of rows (tuples or dicts).

    ``fields`` name the columns of what has no names; the last of them may be absent. Rows are
    numbered from 0 and may have ``max_bytes`` bytes. Raises TextError for anything else.
    """
    names, rows = _columns_and_rows(data, label, fields)

    def numbered(columns: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        for number, row in enumerate(rows(columns)):
            values = [to_python(value) for value in row]
            check_fields(f"{label}, row {number}", values, max_bytes)
            yield number, values

    return Table(label, names, numbered, unit="row", in_memory=True)


def to_python(value: Any) -> object:
    """Python's own value for a scalar or list of NumPy's, pandas', polars' or Arrow's; None for NaN
    and other missing values."""
    match value:
        case str():
            return value if type(value) is str else str.__str__(value)
        case float():
            return None if math.isnan(value) else float(value)
        case list() | tuple():
            return [to_python(item) for item in value]
        case Sentence():
            return value.text
    if type(value).__name__ in _NULLS:
        return None
    method = next((name for name in _TO_PYTHON if hasattr(value, name)), None)
    return value if method is None else to_python(getattr(value, method)())


def _columns_and_rows(data: Any, label: str, fields: Sequence[str]) -> tuple[Sequence[str], Rows]:
    if is_table(data):
        return _table(data, fields)
    if isinstance(data, Mapping):
        return _columns({str(name): column for name, column in data.items()}, label)
    if getattr(data, "ndim", 1) == 2 and hasattr(data, "tolist"):
        data = data.tolist()
    if isinstance(data, tuple):
        names = _positional(fields, len(data), f"{label}: found a tuple of {len(data)}, expected")
        return _columns(dict(zip(names, data, strict=True)), label)
    if not isinstance(data, list) or not data:
        raise TextError(
            f"{label}: found {describe(data)}, expected a path, a frame or dict with named "
            f"columns, a tuple of columns ({', '.join(fields[:-1])}), or a list of such rows"
        )
    if isinstance(data[0], Mapping):
        return _records(data, label)
    if isinstance(data[0], list | tuple):
        return _tuples(data, label, fields)
    raise TextError(
        f"{label}, row 0: found {describe(data[0])}, expected ({', '.join(fields[:-1])})"
    )


def _table(data: Any, fields: Sequence[str]) -> tuple[Sequence[str], Rows]:
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        data = data.collect()  # a lazy frame of polars
    if hasattr(data, "iloc"):
        return _pandas(data, fields)
    if hasattr(data, "features") and hasattr(data, "select_columns"):
        return _dataset(data)
    if hasattr(data, "__arrow_c_stream__"):
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - lists need none

        data = pa.table(data)
    names = [*map(str, data.column_names if hasattr(data, "column_names") else data.columns)]
    return names, lambda columns: zip(*(_values(data[column]) for column in columns), strict=True)


def _pandas(data: Any, fields: Sequence[str]) -> tuple[Sequence[str], Rows]:
    columns = [*data.columns]
    named = any(isinstance(column, str) for column in columns)
    if not named and len(columns) in (len(fields) - 1, len(fields)):
        columns = [*fields[: len(columns)]]
    names = [*map(str, columns)]
    return names, lambda selected: zip(
        *(data.iloc[:, names.index(name)].tolist() for name in selected), strict=True
    )


def _dataset(data: Any) -> tuple[Sequence[str], Rows]:
    """A dataset of Hugging Face's, which may be streamed."""
    data = data.with_format(None)
    names = field_paths(data.features or next(iter(data), {}))

    def rows(columns: Sequence[str]) -> Iterator[Sequence[object]]:
        for record in data:
            values = (find_value(record, column) for column in columns)
            yield [None if value is MISSING else value for value in values]

    return names, rows


def _columns(columns: Mapping[str, Any], label: str) -> tuple[Sequence[str], Rows]:
    values = {}
    for name, column in columns.items():
        if isinstance(column, str | bytes | Mapping | set | frozenset) or not hasattr(
            type(column), "__iter__"
        ):
            raise TextError(
                f"{label}: the column {name!r} is {describe(column)}, expected a list, array or "
                "Series"
            )
        values[name] = _values(column)
    lengths = {name: len(column) for name, column in values.items()}
    if len({*lengths.values()}) > 1:
        listed = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise TextError(f"{label}: the columns differ in length: {listed}; expected one length")
    return [*columns], lambda selected: zip(*(values[name] for name in selected), strict=True)


def _records(data: Sequence[Mapping[str, object]], label: str) -> tuple[Sequence[str], Rows]:
    def rows(columns: Sequence[str]) -> Iterator[Sequence[object]]:
        for number, record in enumerate(data):
            values = [find_value(record, column) for column in columns]
            if MISSING in values:
                name = columns[values.index(MISSING)]
                raise TextError(
                    f"{label}, row {number}: has no column {name!r}; it has "
                    f"{listed_columns([*record])}"
                )
            yield values

    return field_paths(data[0]), rows


def _tuples(
    data: Sequence[Sequence[object]], label: str, fields: Sequence[str]
) -> tuple[Sequence[str], Rows]:
    width = len(data[0])
    names = _positional(fields, width, f"{label}, row 0: found {width} fields, expected")

    def rows(columns: Sequence[str]) -> Iterator[Sequence[object]]:
        places = [names.index(column) for column in columns]
        for number, row in enumerate(data):
            if not isinstance(row, list | tuple) or len(row) != width:
                description = (
                    f"{len(row)} fields" if isinstance(row, list | tuple) else describe(row)
                )
                raise TextError(
                    f"{label}, row {number}: found {description}, expected {width} as in the "
                    "first row"
                )
            yield [row[place] for place in places]

    return names, rows


def _positional(fields: Sequence[str], width: int, found: str) -> Sequence[str]:
    """The names of ``width`` columns."""
    if width not in (len(fields) - 1, len(fields)):
        raise TextError(f"{found} ({', '.join(fields[:-1])}), or with {fields[-1]!r} last")
    return fields[:width]


def _values(column: Any) -> list[object]:
    if hasattr(column, "to_pylist"):
        return [*column.to_pylist()]
    return list(chain(column))
