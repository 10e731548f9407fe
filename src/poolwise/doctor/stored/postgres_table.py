"""A table of PostgreSQL with vectors: pgvector's, or arrays of floats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from poolwise.doctor.stored.arrow_columns import ragged
from poolwise.doctor.stored.vector_table import ChosenIds, ColumnKind, VectorColumn, VectorRows
from poolwise.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

_DTYPES = {"vector": ">f4", "halfvec": ">f2", "_float4": ">f4", "_float8": ">f8"}
"""By the name of a type the numbers that its binary form has."""

_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "citext"})

_FEW = 200_000
"""Rows up to which all are looked at for a sample; of larger tables pages are drawn."""

_PAGES_FOR = 50
"""Rows on drawn pages for each row of the sample."""

_FETCH = 10_000


class StoredPostgresTable:
    """The table or view ``name``, which is read in transactions that cannot write.

    ``schema.table`` is another schema's, unless a table is called so. Raises StoreError where it is
    not there.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.label = f"the table {name}"
        with self._reading():
            found = None
            for names in ([name], name.split(".", 1)):
                quoted = _identifier(names).as_string(connection)
                query = (
                    "SELECT oid::int8, relkind::text, reltuples::float8 FROM pg_class "
                    "WHERE oid = to_regclass(%s)"
                )
                found = connection.execute(query, [quoted]).fetchone()
                if found is not None:
                    break
            if found is None:
                raise StoreError(
                    f"the database has no table {name!r:.80}; name one with ?table=NAME, "
                    "or SCHEMA.NAME"
                )
            self._table = _identifier(names)
            oid, kind, self._estimate = found
            self._has_pages = kind in ("r", "m", "p")
            query = (
                "SELECT attname::text, typname::text FROM pg_attribute JOIN pg_type "
                "ON pg_type.oid = atttypid WHERE attrelid = %s AND attnum > 0 "
                "AND NOT attisdropped ORDER BY attnum"
            )
            self._types: dict[str, str] = dict(connection.execute(query, [oid]).fetchall())

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return {name: _kind(type_) for name, type_ in self._types.items()}

    def count(self) -> int:
        if self._estimate > _FEW:
            return int(self._estimate)
        with self._reading() as connection:
            found = connection.execute(_sql("SELECT count(*) FROM {}", self._table)).fetchone()
        return int(found[0]) if found else 0

    def sample(
        self, vectors: str, fields: Sequence[str], limit: int | None, seed: int
    ) -> VectorRows:
        if limit is None:
            return self._rows(vectors, fields, _sql(""))
        drawn = _sql("")
        share = 100 * _PAGES_FOR * limit / max(self._estimate, 1)
        if self._has_pages and self._estimate > _FEW and share < 100:
            drawn = _sql("TABLESAMPLE SYSTEM ({}) REPEATABLE ({})", share, seed)
        return self._rows(
            vectors, fields, _sql("{} ORDER BY random() LIMIT {}", drawn, limit), seed
        )

    def ids(self, column: str) -> Iterator[Any]:
        query = _sql("SELECT {}::text FROM {}", _identifier([column]), self._table)
        with self._reading() as connection, connection.cursor("poolwise_ids") as cursor:
            cursor.itersize = _FETCH
            for (value,) in cursor.execute(query):
                yield value

    def with_ids(self, chosen: ChosenIds, vectors: str) -> VectorRows:
        where = _sql("WHERE {}::text = ANY({})", _identifier([chosen.column]), list(chosen.ids))
        return self._rows(vectors, [chosen.column], where)

    def _rows(
        self, vectors: str, fields: Sequence[str], which: Composed, seed: int | None = None
    ) -> VectorRows:
        type_ = self._types[vectors]
        if type_ not in _DTYPES:
            raise StoreError(
                f"the column {vectors!r:.60} of {self.label} is {type_}, expected vector, halfvec, "
                "real[] or double precision[]; name another column"
            )
        names = [_sql("{}::text", _identifier([name])) for name in fields]
        columns = ", ".join(["{}"] * (1 + len(names)))
        query = _sql(
            f"SELECT {columns} FROM {{}} {{}}", _identifier([vectors]), *names, self._table, which
        )
        with self._reading() as connection, connection.cursor(binary=True) as cursor:
            if seed is not None:
                # Which rows come first is repeated with the seed.
                connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
                connection.execute(
                    "SELECT setseed(%s)", [np.random.default_rng(seed).uniform(-1, 1)]
                )
            rows = cursor.execute(query).fetchall()
        found = [_vector(row[0], type_) for row in rows]
        values = {name: [row[at] for row in rows] for at, name in enumerate(fields, 1)}
        return VectorRows(_column(found, type_, f"{vectors!r:.60} of {self.label}"), values)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        from psycopg import Error  # noqa: PLC0415 - an extra

        try:
            with self._connection.transaction():
                self._connection.execute("SET TRANSACTION READ ONLY")
                yield self._connection
        except Error as error:
            raise StoreError(
                f"PostgreSQL does not give the rows of {self.label}: {str(error).strip()}"
            ) from error


def _kind(type_: str) -> ColumnKind:
    return "floats" if type_ in _DTYPES else "text" if type_ in _TEXTS else "other"


def _vector(value: Any, type_: str) -> Any:
    """A vector of pgvector's binary form (dimensions and 0 as uint16, then the numbers), or of an
    array; None where it is none."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return np.frombuffer(value, _DTYPES[type_], offset=4)
    return None if None in value or not value else value


def _column(rows: Sequence[Any], type_: str, label: str) -> VectorColumn:
    present = np.array([row is not None for row in rows], np.bool_)
    lengths = np.array([0 if row is None else len(row) for row in rows], np.int64)
    if len(np.unique(lengths[present])) > 1:
        raise ragged(lengths, present, label)
    width = int(lengths.max(initial=0))
    vectors = np.empty((int(present.sum()), width), np.dtype(_DTYPES[type_]).newbyteorder("="))
    for place, row in enumerate(row for row in rows if row is not None):
        vectors[place] = row
    return VectorColumn(vectors, present)


def _identifier(names: Sequence[str]) -> Any:
    from psycopg.sql import Identifier  # noqa: PLC0415 - an extra

    return Identifier(*names)


def _sql(form: str, *values: Any) -> Any:
    from psycopg.sql import SQL  # noqa: PLC0415 - an extra

    return SQL(form).format(*values)
