"""The rows of a job that are nearest to vectors: exact, in one pass over its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.jobs.folder import JobFolder
from poolwise.jobs.nearest import Nearest
from poolwise.jobs.part_vectors import part_vectors
from poolwise.jobs.plan import Plan
from poolwise.jobs.similarity import Similarity
from poolwise.jobs.stored_rows import StoredRows
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
    stored = StoredRows.of(folder, plan.parts)
    nearest = Nearest(similarity.count, k)
    step = max(_BLOCK // max(similarity.count, similarity.width), 1)
    left_out = 0
    with Progress("rows", len(stored), show=progress) as bar:
        for number, start in zip(stored.parts, stored.starts, strict=False):  # and their end
            for group in part_vectors(
                folder.part(number), column, similarity.width, is_bytes=similarity.is_bytes
            ):
                rows = start + group.places
                left_out += group.rows - len(rows)
                for at in range(0, len(rows), step):
                    block = slice(at, at + step)
                    left_out += similarity.add(group.vectors[block], rows[block], nearest)
                bar.advance(group.rows)
    names = ["id", *["text"] * plan.fingerprint["with_text"], *plan.fingerprint["keep"]]
    contents = _contents(stored, np.unique(np.concatenate(nearest.rows)), names)
    hits = [
        [
            Hit(rank, score=similarity.shown(value), **contents[row])
            for rank, (row, value) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True), 1)
        ]
        for rows, scores in zip(nearest.rows, nearest.scores, strict=True)
    ]
    return Found(hits, len(stored) - left_out, left_out)


def _contents(
    stored: StoredRows, numbers: NDArray[np.int64], names: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """What else is known of rows, by their numbers."""
    if not len(numbers):
        return {}
    return {
        number: {
            "id": values.pop("id"),
            "text": values.pop("text", None),
            "kept": values,
            "part": stored.folder.part(stored.part_of(number)).name,
        }
        for number, values in zip(
            numbers.tolist(), stored.take(numbers, names).to_pylist(), strict=True
        )
    }
