"""PostgreSQL's types of Arrow columns, and their values as binary COPY fields.

A field is its length, a big-endian int32, and so many bytes; of a null the length is -1.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.json_values import to_plain

Fields = list[bytes]
Encoder = Callable[[pa.Array], Fields]
NULL = struct.pack(">i", -1)

_EPOCH_DAYS = 10_957
"""PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01."""
_EPOCH_US = _EPOCH_DAYS * 86_400 * 1_000_000


def sql_type(type_: pa.DataType) -> tuple[str, Encoder] | None:
    """The type as PostgreSQL spells it, and what encodes its values; None where it has none."""
    is_ = pa.types
    for test, name, encoder in (
        (is_.is_boolean, "boolean", _numbers("u1")),
        (is_.is_int8, "smallint", _numbers(">i2")),
        (is_.is_uint8, "smallint", _numbers(">i2")),
        (is_.is_int16, "smallint", _numbers(">i2")),
        (is_.is_uint16, "integer", _numbers(">i4")),
        (is_.is_int32, "integer", _numbers(">i4")),
        (is_.is_uint32, "bigint", _numbers(">i8")),
        (is_.is_int64, "bigint", _numbers(">i8")),
        (is_.is_uint64, "numeric", _decimals),
        (is_.is_decimal, "numeric", _decimals),
        (is_.is_float16, "real", _numbers(">f4")),
        (is_.is_float32, "real", _numbers(">f4")),
        (is_.is_float64, "double precision", _numbers(">f8")),
        (is_.is_string, "text", _texts),
        (is_.is_binary, "bytea", _bytes),
        (is_.is_fixed_size_binary, "bytea", _bytes),
        (is_.is_date, "date", _dates),
        (is_.is_time, "time without time zone", _microseconds(pa.time64("us"), 0)),
        (is_.is_duration, "interval", _intervals),
        (is_.is_null, "text", _texts),
        (is_.is_nested, "jsonb", _json),
    ):
        if test(type_):
            return name, encoder
    if is_.is_timestamp(type_):
        with_zone = "without" if type_.tz is None else "with"
        encoder = _microseconds(pa.timestamp("us", type_.tz), _EPOCH_US)
        return f"timestamp {with_zone} time zone", encoder
    return None


def loses_nanoseconds(type_: pa.DataType) -> bool:
    """Whether PostgreSQL, which counts microseconds, cuts the values."""
    return getattr(type_, "unit", None) == "ns"


def fixed(values: NDArray[Any], there: NDArray[np.bool_]) -> Fields:
    """Fields [n] of one size: ``values`` [m, bytes] uint8 of the m rows that are ``there``."""
    size = values.shape[1]
    framed = np.empty((len(values), 4 + size), np.uint8)
    framed[:, :4] = np.frombuffer(struct.pack(">i", size), np.uint8)
    framed[:, 4:] = values
    data = framed.tobytes()
    found = (data[at : at + 4 + size] for at in range(0, len(data), 4 + size))
    return [next(found) if here else NULL for here in there.tolist()]


def as_bytes(values: NDArray[Any], dtype: str) -> NDArray[np.uint8]:
    """Values [n] or [n, k] in another type, as bytes [n, …]."""
    n, size = len(values), math.prod(values.shape[1:]) * np.dtype(dtype).itemsize
    return np.frombuffer(values.astype(dtype).tobytes(), np.uint8).reshape(n, size)


def _numbers(dtype: str) -> Encoder:
    def encode(column: pa.Array) -> Fields:
        there = column.is_valid().to_numpy(zero_copy_only=False)
        if not there.any():
            return [NULL] * len(there)
        values = column.drop_null().to_numpy(zero_copy_only=False)
        return fixed(as_bytes(values, dtype), there)

    return encode


def _microseconds(unit: pa.DataType, epoch: int) -> Encoder:
    numbers = _numbers(">i8")

    def encode(column: pa.Array) -> Fields:
        counted = column.cast(unit, safe=False).cast(pa.int64())
        return numbers(pc.subtract(counted, epoch))

    return encode


def _dates(column: pa.Array) -> Fields:
    days = column.cast(pa.date32()).cast(pa.int32())
    return _numbers(">i4")(pc.subtract(days, pa.scalar(_EPOCH_DAYS, pa.int32())))


def _intervals(column: pa.Array) -> Fields:
    """Microseconds, and neither days nor months."""
    counted = column.cast(pa.duration("us"), safe=False).cast(pa.int64())
    there = counted.is_valid().to_numpy(zero_copy_only=False)
    values = as_bytes(counted.drop_null().to_numpy(), ">i8").reshape(-1, 8)
    return fixed(np.pad(values, ((0, 0), (0, 8))), there)


def _variable(values: list[bytes | None]) -> Fields:
    return [NULL if data is None else struct.pack(">i", len(data)) + data for data in values]


def _bytes(column: pa.Array) -> Fields:
    return _variable(column.to_pylist())


def _texts(column: pa.Array) -> Fields:
    column = column.cast(pa.string())
    if len(column) and pc.any(pc.match_substring(column, "\0")).as_py():
        raise StoreError("a text that holds the character NUL, which PostgreSQL has no place for")
    return _variable(column.cast(pa.binary()).to_pylist())


def _json(column: pa.Array) -> Fields:
    texts = [
        None if value is None else json.dumps(to_plain(value), ensure_ascii=False)
        for value in column.to_pylist()
    ]
    if any("\\u0000" in text for text in texts if text is not None):
        raise StoreError("a text that holds the character NUL, which PostgreSQL has no place for")
    return _variable([None if text is None else b"\1" + text.encode() for text in texts])


def _decimals(column: pa.Array) -> Fields:
    from psycopg.adapt import PyFormat, Transformer  # noqa: PLC0415 - an extra

    dumper = Transformer().get_dumper(Decimal(0), PyFormat.BINARY)
    return _variable(
        [
            None if value is None else bytes(dumper.dump(Decimal(value)) or b"")
            for value in column.to_pylist()
        ]
    )
