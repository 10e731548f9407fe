"""Rows of an earlier run whose vectors are taken over: known by their ids and texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.files import atomic_write
from poolwise.jobs.part_table import text_hash
from poolwise.jobs.plan import Part
from poolwise.jobs.stored_rows import StoredRows
from poolwise.progress import Progress
from poolwise.texts.corpus_rows import CorpusRow

NEW = -1
"""In place of the number of an earlier row: there is none with this id and text."""

_CHUNK = 1 << 14


class RowIndex:
    """Finds earlier rows by id and text. It takes 24 bytes of memory a row.

    An id counts by 64 bits: itself, or of a text's hash. Where two rows have the same, a row with
    the same text is the same row; a vector depends on nothing else.
    """

    def __init__(self, rows: StoredRows) -> None:
        ids = np.empty(len(rows), np.int64)
        texts = np.empty(len(rows), np.int64)
        start = 0
        for batch in rows.read(["id", "text_hash"]):
            end = start + len(batch)
            ids[start:end] = [_id_key(name) for name in batch.column(0).to_pylist()]
            texts[start:end] = batch.column(1).fill_null(_NO_TEXT).to_numpy(zero_copy_only=False)
            start = end
        self._order = np.argsort(ids, kind="stable")
        self._ids, self._texts = ids[self._order], texts[self._order]

    def find(self, rows: Sequence[CorpusRow]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The number of the earlier row with the same id, or ``NEW``; and whether its text is the
        same, too."""
        ids = np.array([_id_key(row.sentence.id) for row in rows], np.int64)
        texts = np.array(
            [_NO_TEXT if row.problem else text_hash(row.text) for row in rows], np.int64
        )
        numbers = np.full(len(rows), NEW, np.int64)
        same = np.zeros(len(rows), np.bool_)
        places = np.searchsorted(self._ids, ids)
        inside = np.flatnonzero(places < len(self._ids))
        known = inside[self._ids[places[inside]] == ids[inside]]
        numbers[known] = self._order[places[known]]
        same[known] = self._texts[places[known]] == texts[known]
        return numbers, same


@dataclass(frozen=True, slots=True)
class UpdateCounts:
    """Rows of an update, as against the rows that were there: ``reused`` with the same id and text,
    ``changed`` with the same id alone, ``new``; and rows that are ``gone``."""

    reused: int
    changed: int
    new: int
    gone: int

    def to_json(self) -> dict[str, int]:
        return asdict(self)


def match(
    earlier: StoredRows, rows: Iterable[CorpusRow], path: Path, bar: Progress
) -> UpdateCounts:
    """Write to ``path``, for each row, the number of the earlier row whose vectors it takes over,
    or ``NEW``: int64, the least significant byte first."""
    index = RowIndex(earlier)
    iterator = iter(rows)
    seen = np.zeros(len(earlier), np.bool_)
    total = known = reused = 0
    with atomic_write(path) as file:
        while chunk := list(islice(iterator, _CHUNK)):
            numbers, same = index.find(chunk)
            seen[numbers[numbers != NEW]] = True
            total, known = total + len(chunk), known + int((numbers != NEW).sum())
            reused += int(same.sum())
            absent = np.array([bool(row.problem) for row in chunk])  # their problem may differ
            numbers[~same | absent] = NEW
            file.write(numbers.astype("<i8").tobytes())
            bar.advance(len(chunk))
    return UpdateCounts(reused, known - reused, total - known, len(earlier) - int(seen.sum()))


@dataclass(frozen=True, slots=True)
class Reuse:
    """Which earlier row each row of a job is: ``path`` is what ``match`` wrote."""

    earlier: StoredRows
    path: Path

    def numbers(self, first: int, rows: int) -> NDArray[np.int64]:
        """Those of ``rows`` rows from row ``first`` on."""
        numbers = np.fromfile(self.path, "<i8", rows, offset=8 * first)
        if len(numbers) < rows:
            raise StoreError(f"{self.path} is damaged: it ends before row {first + rows:,}")
        return numbers

    def is_whole_part(self, part: Part) -> bool:
        """Whether the part's rows are exactly those of the earlier part of its number, in order."""
        if part.number not in self.earlier.parts:
            return False
        place = self.earlier.parts.index(part.number)
        start, end = self.earlier.starts[place : place + 2]
        numbers = self.numbers(part.first_row, part.rows)
        return end - start == part.rows and np.array_equal(numbers, np.arange(start, end))


_NO_TEXT = np.iinfo(np.int64).min
"""The hash of a row without a text; no text has it but one in 2^64."""


def _id_key(name: int | str | None) -> int:
    if name is None:
        return _NO_TEXT
    if isinstance(name, int):
        return name
    return text_hash(name)
