"""PostgreSQL with pgvector: a table with a column a readout, loaded by binary COPY.

A part is loaded in one transaction, together with a row of ``poolwise_parts`` that says so; the
next load skips it. The index is built after the rows are there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poolwise.errors import StoreError
from poolwise.jobs.targets.part_rows import part_schema, row_groups
from poolwise.jobs.targets.postgres_columns import column_notes, hnsw_indexes, sql_columns
from poolwise.jobs.targets.postgres_connection import connect
from poolwise.jobs.targets.target import PartFile, TargetResult
from poolwise.jobs.targets.unique_ids import check_ids
from poolwise.progress import Progress

if TYPE_CHECKING:
    from psycopg import Connection

    from poolwise.jobs.targets.postgres_table import PostgresTable


class PostgresTarget:
    """The table ``table`` of the database at ``location``, a URI of libpq.

    ``index`` asks for an HNSW index on each readout; columns ``without`` are left out. Rows that
    were changed by hand are not looked for, lost and foreign ones are, where the counts differ.
    """

    def __init__(self, location: str, table: str, index: bool, without: frozenset[str]) -> None:
        self._location, self._name = location, table
        self._index, self._without = index, without

    def load(self, parts: Sequence[PartFile], progress: Progress) -> TargetResult:
        began = time.monotonic()
        schema = part_schema(parts)
        columns = sql_columns(schema, self._without)
        notes = list(column_notes(schema, columns))
        with _connected(self._location) as connection:
            from poolwise.jobs.targets.postgres_table import PostgresTable  # noqa: PLC0415

            table = PostgresTable(connection, self._name, columns)
            table.prepare()
            added, updated, deleted = _bring(table, parts, progress)
            rows = table.count()
            if rows != sum(part.rows for part in parts):
                raise StoreError(
                    f"found {rows:,} rows in the table {self._name} after the load, expected "
                    f"{sum(part.rows for part in parts):,}: others write to it; load it again"
                )
            if self._index:
                indexes, index_notes = hnsw_indexes(columns)
                notes += index_notes
                for index in indexes:
                    table.build_index(index)
        return TargetResult(rows, added, updated, deleted, time.monotonic() - began, tuple(notes))


def _bring(
    table: PostgresTable, parts: Sequence[PartFile], progress: Progress
) -> tuple[int, int, int]:
    """Rows added, updated and deleted."""
    loaded = table.loaded_parts()
    if loaded == {part.name: part.sha256 for part in parts} and table.count() == sum(
        part.rows for part in parts
    ):
        progress.advance(sum(part.rows for part in parts))
        return 0, 0, 0
    check_ids(parts)
    table.gather_ids(row_groups(part, ["id"]) for part in parts)
    missing = table.parts_with_missing_rows()
    added = updated = 0
    for number, part in enumerate(parts):
        if loaded.get(part.name) == part.sha256 and number not in missing:
            progress.advance(part.rows)
            continue
        more, changed = table.load_part(part, progress)
        added, updated = added + more, updated + changed
    return added, updated, table.delete_others([part.name for part in parts])


@contextmanager
def _connected(location: str) -> Iterator[Connection]:
    """A connection; what the server refuses is a StoreError with its words."""
    connection = connect(location, "a PostgreSQL target")
    from psycopg import Error  # noqa: PLC0415 - an extra

    with connection:
        try:
            yield connection
        except Error as error:
            raise StoreError(
                f"PostgreSQL stopped the load: {str(error).strip()}; what was loaded before is "
                "there, and another load goes on from it"
            ) from error
