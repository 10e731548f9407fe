"""A LanceDB table with a column a readout, which can be searched at once.

Two parts of the load are two commits: a part is merged, then noted in the table ``poolwise_parts``
beside it. A load that is killed in between merges that part again, by id.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from poolwise.errors import StoreError, needs
from poolwise.jobs.targets.part_rows import part_schema
from poolwise.jobs.targets.target import PartFile, TargetResult
from poolwise.jobs.targets.unique_ids import check_ids
from poolwise.progress import Progress


class LanceTarget:
    """The table ``table`` of the database in ``folder``.

    Columns are called as ``target_names`` says, and the metadata of a readout's column has its
    spec as ``poolwise.readout``. From 100,000 rows on each readout gets an IVF index of whole
    vectors; with fewer a search looks at all of them. Rows that were changed by hand are not looked
    for, lost and foreign ones are, where the counts differ.
    """

    def __init__(self, folder: str, table: str) -> None:
        self._folder, self._name = folder, table

    def load(self, parts: Sequence[PartFile], progress: Progress) -> TargetResult:
        began = time.monotonic()
        schema = part_schema(parts)
        total = sum(part.rows for part in parts)
        with needs("lance", "a Lance target"):
            from poolwise.jobs.targets.lance_table import (  # noqa: PLC0415 - an extra
                LanceTable,
                lance_errors,
            )

        with lance_errors(self._folder):
            table = LanceTable(self._folder, self._name, schema)
            loaded = table.loaded_parts()
            added = updated = deleted = 0
            wanted = {part.name: part.sha256 for part in parts}
            if loaded != wanted or table.count() != total:
                check_ids(parts)
                new = [part for part in parts if loaded.get(part.name) != part.sha256]
                progress.advance(total - sum(part.rows for part in new))
                for part in new:
                    more, changed = table.load_part(part, progress)
                    added, updated = added + more, updated + changed
                if table.count() != total:
                    deleted = table.delete_others(parts)
                if table.count() < total:  # rows that are noted were lost
                    for part in parts:
                        more, changed = table.load_part(part, None)
                        added, updated = added + more, updated + changed
                table.forget_others([*wanted])
                table.refresh_indexes()
            else:
                progress.advance(total)
            rows = table.count()
            if rows != total:
                raise StoreError(
                    f"found {rows:,} rows in the table {self._name} after the load, expected "
                    f"{total:,}: others write to it; load it again"
                )
            table.build_indexes()
        return TargetResult(
            rows, added, updated, deleted, time.monotonic() - began, tuple(table.notes())
        )
