"""A table of a LanceDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from poolwise.doctor.stored.arrow_columns import arrow_rows, column_kinds
from poolwise.doctor.stored.vector_table import ColumnKind, OrderedTable, Places, VectorRows
from poolwise.errors import StoreError, needs
from poolwise.jobs.targets.address import LanceAddress
from poolwise.texts.remote_files import is_url


class StoredLanceTable(OrderedTable):
    """The table at ``address``, at the version that it has now.

    Raises StoreError where it is not there, MissingExtraError without the extra ``lance``.
    """

    def __init__(self, address: LanceAddress) -> None:
        with needs("lance", "a Lance table"):
            import lancedb  # noqa: PLC0415 - an extra

        self._label = f"the table {address.table} in lance:{address.folder}"
        if not is_url(address.folder) and not Path(address.folder).is_dir():  # Lance would make it
            raise StoreError(f"no such folder: {address.folder}, expected that of a LanceDB")
        with self._reading():
            database = lancedb.connect(address.folder)
            try:
                self._table = database.open_table(address.table)
            except ValueError as error:
                if "not found" not in str(error):
                    raise
                raise StoreError(
                    f"{address.folder} has no table {address.table!r:.60}; name one as "
                    "lance:FOLDER#TABLE"
                ) from None
            self._table.checkout(self._table.version)
            self._columns = column_kinds(self._table.schema)

    @property
    def label(self) -> str:
        return self._label

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        return self._columns

    def count(self) -> int:
        with self._reading():
            return int(self._table.count_rows())

    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        names = list(dict.fromkeys([vectors, *fields]))
        with self._reading():
            taken = self._table.take_offsets(places.tolist()).select(names).to_arrow()
        if len(taken) != len(places):
            raise StoreError(
                f"found {len(taken):,} rows in {self._label}, expected {len(places):,}: others "
                "write to it; try again"
            )
        return arrow_rows(taken, vectors, fields, self._label)

    def ids(self, column: str) -> Iterator[Any]:
        with self._reading():
            for batch in self._table.search().select([column]).to_batches():
                yield from batch[column].to_pylist()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreError(f"Lance cannot read {self._label}: {error}") from error
