"""The rows of a job that are nearest to vectors: exact, in one pass over its parts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from poolwise.jobs.folder import JobFolder
from poolwise.jobs.nearest import Nearest
from poolwise.jobs.part_vectors import part_file, vector_rows
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.similarity import Similarity
from poolwise.progress import Progress

_BLOCK = 1 << 22
"""Values of float32 that are computed with at a time, of vectors or of scores."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found. ``score`` is a cosine, a dot product, or a number of bits. ``text`` is
    None where the job did not store it, ``kept`` are the other columns of the input, ``part`` is
    its file's name."""

    rank: int
    id: int | str | None
    score: float
    text: str | None
    kept: Mapping[str, Any]
    part: str


@dataclass(frozen=True, slots=True)
class Found:
    """``hits`` of each query, nearest first; ``rows`` were compared and ``left_out`` had no
    vector, or none with a score."""

    hits: Sequence[Sequence[Hit]]
    rows: int
    left_out: int


def search_parts(
    folder: JobFolder,
    plan: Plan,
    column: str,
    similarity: Similarity,
    k: int,
    *,
    progress: bool = False,
) -> Found:
    """The ``k`` rows whose vectors in ``column`` are nearest to each query of ``similarity``.

    Ties are in the order of the rows. Every part that is there is read once, a row group at a time;
    scores depend on nothing but the two vectors. Raises StoreError for a damaged part.
    """
    parts = [part for part in plan.parts if folder.has(part.number)]
    nearest = Nearest(similarity.count, k)
    step = max(_BLOCK // max(similarity.count, similarity.width), 1)
    read = left_out = 0
    with Progress("rows", sum(part.rows for part in parts), show=progress) as bar:
        for part in parts:
            for group in vector_rows(folder.part(part.number), column, similarity.width):
                rows = part.first_row + group.places
                left_out += group.rows - len(rows)
                for at in range(0, len(rows), step):
                    block = slice(at, at + step)
                    left_out += similarity.add(group.vectors[block], rows[block], nearest)
                read += group.rows
                bar.advance(group.rows)
    contents = _contents(folder, parts, plan.fingerprint["keep"], nearest)
    hits = [
        [
            Hit(rank, score=similarity.shown(value), **contents[row])
            for rank, (row, value) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True), 1)
        ]
        for rows, scores in zip(nearest.rows, nearest.scores, strict=True)
    ]
    return Found(hits, read - left_out, left_out)


def _contents(
    folder: JobFolder, parts: Sequence[Part], keep: Sequence[str], nearest: Nearest
) -> dict[int, dict[str, Any]]:
    """What else is known of the rows that were found, by their numbers."""
    firsts = [part.first_row for part in parts]
    by_part: dict[int, list[int]] = {}
    for row in np.unique(np.concatenate(nearest.rows)).tolist():
        by_part.setdefault(bisect_right(firsts, row) - 1, []).append(row)
    contents: dict[int, dict[str, Any]] = {}
    for at, rows in by_part.items():
        path = folder.part(parts[at].number)
        with part_file(path) as file:
            names = [name for name in ("id", "text", *keep) if name in file.schema_arrow.names]
            places = [row - firsts[at] for row in rows]
            for row, values in zip(rows, _rows_at(file, places, names), strict=True):
                contents[row] = {
                    "id": values.pop("id"),
                    "text": values.pop("text", None),
                    "kept": values,
                    "part": path.name,
                }
    return contents


def _rows_at(file: Any, places: Sequence[int], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Columns of the rows at ascending ``places`` of a part."""
    first = at = 0
    for group in range(file.num_row_groups):
        end = first + file.metadata.row_group(group).num_rows
        stop = at
        while stop < len(places) and places[stop] < end:
            stop += 1
        if stop > at:
            table = file.read_row_group(group, columns=list(names))
            inside = pa.array([place - first for place in places[at:stop]], pa.int64())
            yield from table.take(inside).to_pylist()
        first, at = end, stop
