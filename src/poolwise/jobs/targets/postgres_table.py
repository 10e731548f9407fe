"""The table of a PostgreSQL target, by its statements.

Statements that hold a column's name take no parameters, for psycopg would read a ``%`` in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Identifier

from poolwise.errors import StoreError, listed
from poolwise.jobs.targets.part_rows import row_groups
from poolwise.jobs.targets.postgres_columns import HnswIndex, SqlColumn, copy_data
from poolwise.jobs.targets.sql_types import Encoder
from poolwise.jobs.targets.target import PartFile
from poolwise.jobs.targets.target_names import shortened
from poolwise.progress import Progress

_EXTENSION = "vector"
_OURS = "poolwise: vectors of sentences"
_PARTS = SQL("poolwise_parts")
_IDS = SQL("pg_temp.poolwise_ids")
_STAGING = SQL("pg_temp.poolwise_staging")


class PostgresTable:
    """The table ``name`` with ``columns``, of which one is ``id``, on an autocommit connection."""

    def __init__(self, connection: Connection, name: str, columns: Sequence[SqlColumn]) -> None:
        self._connection, self._name, self._columns = connection, name, columns
        self._table = Identifier(name)
        self._id = next(column for column in columns if column.part_name == "id")

    def prepare(self) -> None:
        """Hold the table for this session, and make what is absent; StoreError where a table of
        this name is not ours, or has other columns."""
        self._make_extension()
        # Two loads of one table take turns; the first lock is for what all tables share.
        self._run(SQL("SELECT pg_advisory_lock(hashtext({}))").format(f"poolwise {self._name}"))
        with self._connection.transaction():
            self._run(SQL("SELECT pg_advisory_xact_lock(hashtext('poolwise'))"))
            self._run(
                SQL(
                    "CREATE TABLE IF NOT EXISTS {} (target text, part text, sha256 text NOT NULL, "
                    "rows bigint NOT NULL, PRIMARY KEY (target, part))"
                ).format(_PARTS)
            )
            found = self._found_columns()
            if found and not self._fits(found):  # none of its rows came in
                self._run(SQL("DROP TABLE {}").format(self._table))
                found = {}
            if not found:
                self._make_table()

    def count(self) -> int:
        return int(self._value(SQL("SELECT count(*) FROM {}").format(self._table)))

    def loaded_parts(self) -> dict[str, str]:
        """Of each part that is loaded its SHA-256, by its name."""
        query = SQL("SELECT part, sha256 FROM {} WHERE target = {}").format(_PARTS, self._name)
        return dict(self._connection.execute(query).fetchall())

    def gather_ids(self, parts: Iterable[Iterator[pa.RecordBatch]]) -> None:
        """Put the ids of all parts, with the number of each part, into a temporary table."""
        type_ = SQL(self._id.type)
        self._run(SQL("CREATE TEMP TABLE poolwise_ids (id {}, part integer)").format(type_))
        copy = SQL("COPY {} (id, part) FROM STDIN (FORMAT BINARY)").format(_IDS)
        for number, batches in enumerate(parts):
            part = SqlColumn("id", "part", "integer", _constant(number))
            self._copy(copy, copy_data(batches, (self._id, part)))
        self._run(SQL("CREATE UNIQUE INDEX ON {} (id)").format(_IDS))
        self._run(SQL("ANALYZE {}").format(_IDS))

    def parts_with_missing_rows(self) -> set[int]:
        """The numbers of parts with rows that the table lacks."""
        query = SQL(
            "SELECT DISTINCT part FROM {} AS ids WHERE NOT EXISTS "
            "(SELECT FROM {} AS target WHERE target.id = ids.id)"
        ).format(_IDS, self._table)
        return {number for (number,) in self._connection.execute(query)}

    def load_part(self, part: PartFile, progress: Progress) -> tuple[int, int]:
        """Rows added and updated by a part; it is loaded and noted, or neither."""
        self._run(
            SQL("CREATE TEMP TABLE IF NOT EXISTS poolwise_staging (LIKE {})").format(self._table)
        )
        with self._connection.transaction():
            self._run(SQL("TRUNCATE {}").format(_STAGING))
            copy = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(_STAGING, self._names())
            names = [column.part_name for column in self._columns]
            self._copy(copy, copy_data(_counted(row_groups(part, names), progress), self._columns))
            added, updated = self._connection.execute(self._merge()).fetchone() or (0, 0)
            self._run(
                SQL(
                    "INSERT INTO {} VALUES ({}, {}, {}, {}) ON CONFLICT (target, part) "
                    "DO UPDATE SET sha256 = excluded.sha256, rows = excluded.rows"
                ).format(_PARTS, self._name, part.name, part.sha256, part.rows)
            )
        return int(added), int(updated)

    def delete_others(self, parts: Sequence[str]) -> int:
        """Delete rows that no part has, and notes of other parts than these; how many rows."""
        with self._connection.transaction():
            cursor = self._connection.execute(
                SQL(
                    "DELETE FROM {} AS target WHERE NOT EXISTS "
                    "(SELECT FROM {} AS ids WHERE ids.id = target.id)"
                ).format(self._table, _IDS)
            )
            self._run(
                SQL("DELETE FROM {} WHERE target = {} AND part <> ALL({})").format(
                    _PARTS, self._name, [*parts]
                )
            )
        return cursor.rowcount

    def build_index(self, index: HnswIndex) -> None:
        """An HNSW index, unless one of its name is there."""
        name = shortened(f"{self._name}_{index.column.name}_hnsw", 63)
        on = SQL(index.expression).format(Identifier(index.column.name))
        self._run(
            SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw ({} {})").format(
                Identifier(name), self._table, on, SQL(index.operators)
            )
        )

    def _make_extension(self) -> None:
        try:
            self._run(SQL("CREATE EXTENSION IF NOT EXISTS {}").format(Identifier(_EXTENSION)))
        except (errors.FeatureNotSupported, errors.UndefinedFile) as error:
            raise StoreError(
                f"this PostgreSQL server has no pgvector ({_first_line(error)}); install pgvector "
                "there (the package postgresql-NN-pgvector, or an image such as pgvector/pgvector)"
            ) from None
        except errors.InsufficientPrivilege as error:
            raise StoreError(
                f"the extension pgvector is not in this database and may not be made by this user "
                f"({_first_line(error)}); have an administrator run CREATE EXTENSION vector"
            ) from None
        query = SQL("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        version = str(self._value(query))
        newer = [column for column in self._columns if column.type.startswith(("halfvec", "bit"))]
        if newer and tuple(map(int, version.split(".")[:2])) < (0, 7):
            raise StoreError(
                f"found pgvector {version}, expected 0.7 or newer for the type {newer[0].type}; "
                "update it: ALTER EXTENSION vector UPDATE"
            )

    def _found_columns(self) -> dict[str, str]:
        """By name their types, of the table that is there."""
        query = SQL(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped"
        ).format(self._table.as_string(self._connection))
        return dict(self._connection.execute(query).fetchall())

    def _make_table(self) -> None:
        definitions = [
            SQL("{} {}").format(Identifier(column.name), SQL(column.type))
            + SQL(" PRIMARY KEY" if column is self._id else "")
            for column in self._columns
        ]
        self._run(SQL("CREATE TABLE {} ({})").format(self._table, SQL(", ").join(definitions)))
        self._run(SQL("COMMENT ON TABLE {} IS {}").format(self._table, _OURS))
        for column in self._columns:
            about = column.vector.spec if column.vector else column.part_name
            if column.vector or column.name != column.part_name:
                self._run(
                    SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                        self._table, Identifier(column.name), about
                    )
                )
        self._run(SQL("DELETE FROM {} WHERE target = {}").format(_PARTS, self._name))

    def _fits(self, found: dict[str, str]) -> bool:
        """Whether the table has our columns; StoreError where it has others and rows."""
        comment = self._value(
            SQL("SELECT obj_description(to_regclass({}), 'pg_class')").format(
                self._table.as_string(self._connection)
            )
        )
        if comment != _OURS:
            raise StoreError(
                f"the table {self._name} is there and was not made by poolwise, which would delete "
                "its rows; choose another name with table=NAME"
            )
        plain = {name: type_.rpartition(".")[2] for name, type_ in found.items()}  # no schema
        wanted = {column.name: column.type for column in self._columns}
        if plain != wanted and self.count():
            show = [f"{name} {type_}" for name, type_ in plain.items() - wanted.items()]
            expect = [f"{name} {type_}" for name, type_ in wanted.items() - plain.items()]
            raise StoreError(
                f"the table {self._name} has other columns than the parts: found "
                f"{listed(sorted(show)) or 'fewer'}, expected {listed(sorted(expect)) or 'none'}; "
                "drop the table, or choose another name with table=NAME"
            )
        return plain == wanted

    def _merge(self) -> Composed:
        """Rows of the staging table into the table; gives how many are new, how many differed."""
        others = [Identifier(column.name) for column in self._columns if column is not self._id]
        sets = [SQL("{0} = excluded.{0}").format(name) for name in others]
        differ = [SQL("target.{0} IS DISTINCT FROM excluded.{0}").format(name) for name in others]
        action = (
            SQL("DO UPDATE SET {} WHERE {}").format(SQL(", ").join(sets), SQL(" OR ").join(differ))
            if others
            else SQL("DO NOTHING")
        )
        return SQL(
            "WITH changed AS (INSERT INTO {table} AS target ({names}) "
            "SELECT {names} FROM {staging} ON CONFLICT (id) {action} RETURNING xmax = 0 AS added) "
            "SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM changed"
        ).format(table=self._table, names=self._names(), staging=_STAGING, action=action)

    def _names(self) -> Composed:
        return SQL(", ").join(Identifier(column.name) for column in self._columns)

    def _copy(self, statement: Composed, data: Iterator[bytes]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for chunk in data:
                copy.write(chunk)

    def _run(self, statement: SQL | Composed) -> None:
        self._connection.execute(statement)

    def _value(self, query: SQL | Composed) -> Any:
        row = self._connection.execute(query).fetchone()
        return row[0] if row else None


def _counted(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        progress.advance(len(batch))


def _constant(number: int) -> Encoder:
    field = struct.pack(">ii", 4, number)
    return lambda column: [field] * len(column)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
