"""Vectors and the texts that lie apart from them: by their ids, or by their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poolwise.doctor.stored.given_texts import GivenTexts
from poolwise.doctor.stored.places import spread_places
from poolwise.doctor.stored.vector_table import (
    ChosenIds,
    OrderedTable,
    VectorColumn,
    VectorTable,
)
from poolwise.errors import StoreError

_NO_ID = ("", "None", "nan", "NaN")


@dataclass(frozen=True, slots=True)
class MatchedRows:
    """Vectors, and the text of each row or None; ``of`` is the number of rows they are drawn from.
    ``notes`` say what was left out."""

    column: VectorColumn
    texts: Sequence[str | None]
    of: int
    notes: Sequence[str] = ()


def match_order(
    table: VectorTable, vectors: str, given: GivenTexts, *, limit: int | None, seed: int
) -> MatchedRows:
    """The first vector is that of the first text. Raises StoreError where their numbers differ, or
    rows have no order."""
    if not isinstance(table, OrderedTable):
        raise StoreError(
            f"the rows of {table.label} have no order, which could tell the text of each in "
            f"{given.label}; give texts with the column of ids that the table has, or leave texts "
            "out and name the table's own column of them with text_column"
        )
    n = table.count()
    places = table.places(limit, seed)
    wanted, chosen, count = set(places.tolist()), list[str | None](), 0
    for text in given.texts():
        if count in wanted:
            chosen.append(text)
        count += 1
    if count != n:
        raise StoreError(
            f"found {n:,} vectors in {table.label} and {count:,} texts in {given.label}, expected "
            "a text for each vector, in the same order; give the texts they were made of"
        )
    return MatchedRows(table.at(places, vectors, []).column, chosen, n)


def match_ids(
    table: VectorTable,
    vectors: str,
    given: GivenTexts,
    id_column: str,
    *,
    limit: int | None,
    seed: int,
) -> MatchedRows:
    """Rows whose ids are equal, also where one is an integer and one a text of it.

    Either may have ids that the other lacks, as a part of it does. Raises StoreError where both do,
    and where an id comes twice.
    """
    text_ids = _Ids(given.label)
    for _, name in given.with_ids(id_column):
        text_ids.add(name)
    vector_ids = _Ids(table.label)
    ids, places, lacking = list[Any](), list[int](), list[str]()
    for place, name in enumerate(table.ids(id_column)):
        key = vector_ids.add(name)
        if key in text_ids.seen:
            ids.append(name)
            places.append(place)
        elif key is not None:
            lacking.append(key)
    n_other = len(text_ids.seen) - len(ids)
    if not ids or (lacking and n_other):
        raise _unmatched(given, id_column, lacking, text_ids, vector_ids)
    drawn = spread_places(len(ids), limit, seed)
    chosen = ChosenIds(id_column, [ids[at] for at in drawn], np.asarray(places, np.int64)[drawn])
    rows = table.with_ids(chosen, vectors)
    keys = {_key(name) for name in chosen.ids}
    texts = {key: text for text, name in given.with_ids(id_column) if (key := _key(name)) in keys}
    notes = []
    if lacking:
        notes.append(
            f"{len(lacking):,} rows of {table.label} have an id that {given.label} lacks, the "
            f"first {lacking[0]!r:.40}: left out"
        )
    if n_other:
        notes.append(f"{n_other:,} rows of {given.label} have an id without a vector: left out")
    found = [texts.get(_key(name) or "") for name in rows.fields[id_column]]
    return MatchedRows(rows.column, found, len(ids), notes)


class _Ids:
    """Ids that were met; a row without one is passed over."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.seen: set[str] = set()

    def add(self, name: object) -> str | None:
        key = _key(name)
        if key is None:
            return None
        if key in self.seen:
            raise StoreError(
                f"the id {key!r:.60} comes twice in {self.label}, expected each once; name "
                "another id_column, or give each row an id of its own"
            )
        self.seen.add(key)
        return key


def _key(name: object) -> str | None:
    if isinstance(name, float) and name.is_integer():  # pandas' integers beside a missing one
        name = int(name)
    key = str(name)
    return None if key in _NO_ID else key


def _unmatched(
    given: GivenTexts,
    id_column: str,
    lacking: Sequence[str],
    text_ids: _Ids,
    vector_ids: _Ids,
) -> StoreError:
    others = text_ids.seen - vector_ids.seen
    first_other = next(
        (key for _, name in given.with_ids(id_column) if (key := _key(name)) in others), ""
    )
    first = f", the first {lacking[0]!r:.40}" if lacking else ""
    other = f", the first {first_other!r:.40}" if others else ""
    return StoreError(
        f"the ids in the column {id_column!r:.60} do not match: {len(lacking):,} of "
        f"{len(vector_ids.seen):,} vectors in {vector_ids.label} have no text{first}, and "
        f"{len(others):,} of {len(text_ids.seen):,} texts in {given.label} have no vector{other}; "
        "name another id_column, or leave the ids out to go by order"
    )
