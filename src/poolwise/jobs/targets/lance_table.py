"""The table of a Lance target, by its operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from lancedb.index import IvfFlat

from poolwise.errors import StoreError, listed
from poolwise.jobs.targets.part_rows import PartSchema, only_good, row_groups
from poolwise.jobs.targets.target import PartFile
from poolwise.jobs.targets.target_names import target_names
from poolwise.jobs.targets.unique_ids import IdHashes, id_hashes
from poolwise.progress import Progress

INDEX_FROM = 100_000
"""Rows: fewer are searched one by one."""

_PARTS = "poolwise_parts"
_PARTS_SCHEMA = pa.schema([("target", pa.string()), ("part", pa.string()), ("sha256", pa.string())])
_OURS = {b"poolwise.target": b"1"}
_VALUES_A_DELETE = 1000


class LanceTable:
    """The table ``name`` in ``folder``; made if it is absent. Raises StoreError where it is not
    ours, or has other columns."""

    def __init__(self, folder: str, name: str, schema: PartSchema) -> None:
        self._name, self._vectors = name, {vector.name: vector for vector in schema.vectors}
        # Lance has these for its own, and its SQL has no name that holds a backtick.
        names = target_names(schema, reserved=("_rowid", "_rowaddr"), refused=".`", longest=255)
        self._names = names
        self._schema = pa.schema(map(self._field, schema.fields), metadata=_OURS)
        self._database = lancedb.connect(folder)
        self._parts = self._open(_PARTS, _PARTS_SCHEMA)
        self._table = self._open(name, self._schema)
        if not self._fits():  # none of its rows came in
            self._database.drop_table(name)
            self._table = self._open(name, self._schema)

    def count(self) -> int:
        return int(self._table.count_rows())

    def loaded_parts(self) -> dict[str, str]:
        """Of each part that is loaded its SHA-256, by its name."""
        rows = self._parts.search().where(f"target = {_literal(self._name)}").to_arrow()
        return dict(zip(rows["part"].to_pylist(), rows["sha256"].to_pylist(), strict=True))

    def load_part(self, part: PartFile, progress: Progress | None) -> tuple[int, int]:
        """Rows added and updated by a part, which is then noted; meanwhile it is not."""
        if self.loaded_parts().get(part.name, part.sha256) != part.sha256:
            self._forget([part.name])
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches(part, progress))
        merge = self._table.merge_insert("id").when_not_matched_insert_all()
        done = merge.when_matched_update_all(where=self._differ()).execute(
            reader, on_bad_vectors="null"
        )
        self._note(part)
        return int(done.num_inserted_rows), int(done.num_updated_rows)

    def delete_others(self, parts: Sequence[PartFile]) -> int:
        """Delete rows that no part has; how many."""
        before = self.count()
        gone = self._gone(parts)
        for start in range(0, len(gone), _VALUES_A_DELETE):
            ids = ", ".join(map(_literal, gone[start : start + _VALUES_A_DELETE]))
            self._table.delete(f"id IN ({ids})")
        return before - self.count()

    def forget_others(self, parts: Sequence[str]) -> None:
        """Delete the notes of other parts than these."""
        gone = sorted(self.loaded_parts().keys() - {*parts})
        for start in range(0, len(gone), _VALUES_A_DELETE):
            self._forget(gone[start : start + _VALUES_A_DELETE])

    def build_indexes(self) -> None:
        """An index on each readout, where rows are enough and none is there."""
        if self.count() < INDEX_FROM:
            return
        indexed = self._indexed()
        for vector in self._vectors.values():
            column = self._names[vector.name]
            if column not in indexed:
                binary = vector.dtype == "binary"
                config = IvfFlat(distance_type="hamming" if binary else "cosine")
                self._table.create_index(column, config=config)

    def refresh_indexes(self) -> None:
        """Take new rows into the indexes that are there."""
        if self._indexed():
            self._table.optimize()

    def notes(self) -> Iterator[str]:
        """Where a column is not as in the parts."""
        for vector in self._vectors.values():
            if vector.dtype == "int8":
                yield (
                    f"{self._names[vector.name]} holds int8 vectors as float16, which has every "
                    "int8 exactly: Lance searches no vectors of int8"
                )
            elif vector.less_128:
                yield (
                    f"{self._names[vector.name]} holds bits as uint8, which Lance searches by "
                    "Hamming distance; the parts have these bytes less 128"
                )

    def _note(self, part: PartFile) -> None:
        note = pa.table([[self._name], [part.name], [part.sha256]], schema=_PARTS_SCHEMA)
        notes = self._parts.merge_insert(["target", "part"])
        notes.when_matched_update_all().when_not_matched_insert_all().execute(note)

    def _forget(self, parts: Sequence[str]) -> None:
        names = ", ".join(map(_literal, parts))
        self._parts.delete(f"target = {_literal(self._name)} AND part IN ({names})")

    def _open(self, name: str, schema: pa.Schema) -> Any:
        try:
            return self._database.open_table(name)
        except ValueError as error:
            if "not found" not in str(error):
                raise
            return self._database.create_table(name, schema=schema)

    def _field(self, field: pa.Field) -> pa.Field:
        vector, type_, about = self._vectors.get(field.name), field.type, None
        if vector is not None:
            about = {"poolwise.readout": vector.spec}
            if vector.dtype == "int8":
                type_ = pa.list_(pa.float16(), vector.width)
            elif vector.dtype == "binary":
                type_ = pa.list_(pa.uint8(), vector.width)
        return pa.field(self._names[field.name], type_, metadata=about)

    def _fits(self) -> bool:
        """Whether the table has our columns; StoreError where it has others and rows."""
        found = self._table.schema
        if b"poolwise.target" not in (found.metadata or {}):
            raise StoreError(
                f"the table {self._name} is there and was not made by poolwise, which would delete "
                "its rows; choose another name: lance:FOLDER#TABLE"
            )
        fits = bool(found.names == self._schema.names and found.types == self._schema.types)
        if not fits and self.count():
            columns = {f"{field.name} {field.type}" for field in found}
            wanted = {f"{field.name} {field.type}" for field in self._schema}
            raise StoreError(
                f"the table {self._name} has other columns than the parts: found "
                f"{listed(sorted(columns - wanted)) or 'fewer'}, expected "
                f"{listed(sorted(wanted - columns)) or 'none'}; drop the table, or choose another "
                "name: lance:FOLDER#TABLE"
            )
        return fits

    def _batches(self, part: PartFile, progress: Progress | None) -> Iterator[pa.RecordBatch]:
        for batch in row_groups(part):
            columns = [
                only_good(column, self._vectors[name]) if name in self._vectors else column
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            columns = [
                column if column.type == field.type else column.cast(field.type)
                for column, field in zip(columns, self._schema, strict=True)
            ]
            yield pa.record_batch(columns, schema=self._schema)
            if progress is not None:
                progress.advance(len(batch))

    def _differ(self) -> str | None:
        """Whether a row differs, in SQL; None, for always, where Lance cannot compare a column."""
        conditions = []
        for field in self._schema:
            vector = pa.types.is_fixed_size_list(field.type)
            if field.name == "id" or pa.types.is_null(field.type):
                continue
            if pa.types.is_nested(field.type) and not vector:
                return None
            old, new = f"target.`{field.name}`", f"source.`{field.name}`"
            conditions.append(
                f"{old} != {new} OR ({old} IS NULL AND {new} IS NOT NULL) "
                f"OR ({old} IS NOT NULL AND {new} IS NULL)"
            )
        return " OR ".join(conditions) or None

    def _gone(self, parts: Sequence[PartFile]) -> list[Any]:
        """The ids in the table that no part has."""
        gone: list[Any] = []
        with IdHashes(self.count()) as here, IdHashes(self.count()) as there:
            for batch in self._ids():
                here.add(id_hashes(batch))
            for part in parts:
                for batch in row_groups(part, ["id"]):
                    there.add(id_hashes(batch["id"]))
            hashes = [
                np.setdiff1d(old, new, assume_unique=True)
                for old, new in zip(here.buckets(), there.buckets(), strict=True)
            ]
        suspects = np.concatenate(hashes)
        for batch in self._ids():
            gone += batch.filter(np.isin(id_hashes(batch), suspects)).to_pylist()
        return gone

    def _ids(self) -> Iterator[pa.Array]:
        for batch in self._table.search().select(["id"]).to_batches():
            yield batch["id"]

    def _indexed(self) -> set[str]:
        return {column for index in self._table.list_indices() for column in index.columns}


@contextmanager
def lance_errors(folder: str) -> Iterator[None]:
    """What Lance refuses is a StoreError with its words."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"Lance stopped the load into {folder}: {error}; what was loaded before is there, and "
            "another load goes on from it"
        ) from error


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
