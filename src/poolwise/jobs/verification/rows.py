"""Some rows of a part, and what can be wrong with a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.jobs.part_table import text_hash
from poolwise.records import ROW_FLAGS, Bools

_FLOAT16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a part. ``vectors`` names the columns of vectors, ``expected_ids`` are
    the rows' numbers by the plan, None where ids come from a column; ``keeps_bad`` says whether
    rows with a problem may be there."""

    table: pa.RecordBatch
    vectors: Sequence[str]
    expected_ids: NDArray[np.int64] | None
    keeps_bad: bool

    def __len__(self) -> int:
        rows: int = self.table.num_rows
        return rows

    @property
    def absent(self) -> Bools:
        """bool [n]: rows with a problem."""
        return self.present("problem")

    def present(self, column: str) -> Bools:
        """bool [n]: rows that have a value there."""
        valid: Bools = self.table[column].is_valid().to_numpy(zero_copy_only=False)
        return valid

    def flag(self, name: str) -> Bools:
        """bool [n]; False where it is null."""
        flags: Bools = self.table[name].fill_null(False).to_numpy(zero_copy_only=False)
        return flags


def _ids(rows: Rows) -> Bools:
    if rows.expected_ids is None:
        return np.zeros(len(rows), np.bool_)
    expected = np.full(len(rows), -1, np.int64)  # rows beyond the plan's
    expected[: len(rows.expected_ids)] = rows.expected_ids
    found = rows.table["id"].fill_null(-1).to_numpy(zero_copy_only=False)
    wrong: Bools = (found != expected) | (expected < 0)
    return wrong


def _problems(rows: Rows) -> Bools:
    return np.zeros(len(rows), np.bool_) if rows.keeps_bad else rows.absent


def _vectors(rows: Rows) -> Bools:
    wrong = np.zeros(len(rows), np.bool_)
    for column in rows.vectors:
        wrong |= rows.present(column) == rows.absent
    return wrong


def _unknown(rows: Rows) -> Bools:
    wrong = np.zeros(len(rows), np.bool_)
    for column in ("n_tokens", *ROW_FLAGS, "text_hash"):
        wrong |= rows.present(column) == rows.absent
    return wrong


def _unflagged(rows: Rows) -> Bools:
    return ~_finite(rows) & ~rows.flag("nonfinite")


def _flagged(rows: Rows) -> Bools:
    """Of vectors of bytes nothing can be told: they are finite in any case."""
    floats = all(pa.types.is_floating(rows.table[c].type.value_type) for c in rows.vectors)
    if not floats:
        return np.zeros(len(rows), np.bool_)
    return _finite(rows, strict=True) & rows.flag("nonfinite")


def _finite(rows: Rows, *, strict: bool = False) -> Bools:
    """bool [n]: rows all of whose values are finite; rows without vectors too. ``strict`` takes
    float16's largest value for infinite: larger ones are rounded to it."""
    finite = np.ones(len(rows), np.bool_)
    for column in rows.vectors:
        lists = rows.table[column]
        values = lists.flatten()
        if not pa.types.is_floating(values.type):
            continue
        present = np.flatnonzero(rows.present(column))
        vectors = values.fill_null(float("nan")).to_numpy(zero_copy_only=False)
        good = np.isfinite(vectors)
        if strict and vectors.dtype == np.float16:
            good &= np.abs(vectors) < _FLOAT16_MAX
        finite[present] &= good.reshape(len(present), -1).all(axis=1)
    return finite


def _hashes(rows: Rows) -> Bools:
    wrong = np.zeros(len(rows), np.bool_)
    if "text" not in rows.table.schema.names:
        return wrong
    texts, hashes = rows.table["text"].to_pylist(), rows.table["text_hash"].to_pylist()
    for at, (text, known) in enumerate(zip(texts, hashes, strict=True)):
        wrong[at] = known != (None if text is None else text_hash(text))
    return wrong


class RowCheck(NamedTuple):
    """``wrong`` gives bool [n], the rows that are wrong; ``found`` says of them how."""

    name: str
    wrong: Callable[[Rows], Bools]
    found: str
    expected: str


ROW_CHECKS = (
    RowCheck("ids", _ids, "another id", "the number of the row, counted over all inputs"),
    RowCheck("problem", _problems, "a problem", "none: such rows are left out, or end the job"),
    RowCheck(
        "vectors",
        _vectors,
        "no vector and no problem, or both",
        "vectors, or null and a problem that says why",
    ),
    RowCheck(
        "nulls",
        _unknown,
        "null among n_tokens, flags or text_hash and no problem, or values and a problem",
        "null exactly where there is a problem",
    ),
    RowCheck(
        "finite", _unflagged, "NaN or infinity in a vector", "finite values, or the flag nonfinite"
    ),
    RowCheck(
        "finite", _flagged, "the flag nonfinite on finite vectors", "NaN or infinity, or no flag"
    ),
    RowCheck("text_hash", _hashes, "a hash that is not the text's", "that of the text"),
)
"""What is checked of each row."""


@dataclass(slots=True)
class WrongRows:
    """How many rows fail a check, and the first of them: its place in the part, and its id."""

    count: int = 0
    place: int = 0
    id: Any = None

    def add(self, wrong: Bools, first: int, ids: pa.Array) -> None:
        """``first`` is the place of the first of these rows in the part."""
        places = np.flatnonzero(wrong)
        if not len(places):
            return
        if not self.count:
            self.place, self.id = first + int(places[0]), ids[int(places[0])].as_py()
        self.count += len(places)

    def __str__(self) -> str:
        where = f"row {self.place:,} (id {self.id!r:.60})"
        return where if self.count == 1 else f"{self.count:,} rows, the first {where}"


@dataclass(slots=True)
class RowFaults:
    """The rows that fail each of ``ROW_CHECKS``, in their order."""

    wrong: list[WrongRows] = field(default_factory=lambda: [WrongRows() for _ in ROW_CHECKS])

    def check(self, rows: Rows, first: int) -> None:
        for check, wrong in zip(ROW_CHECKS, self.wrong, strict=True):
            wrong.add(check.wrong(rows), first, rows.table["id"])
