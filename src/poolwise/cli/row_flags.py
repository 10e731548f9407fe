"""Rows that are not as they should be: counted, and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import VectorBatch

MARKS = {
    "truncated": "texts were cut to the maximum length",
    "empty": "texts were empty",
    "nonfinite": "texts have values that are not finite",
}


def counts_of(batch: VectorBatch) -> dict[str, int]:
    """``rows``, and how many of them have each mark."""
    return {"rows": len(batch)} | {mark: int(getattr(batch, mark).sum()) for mark in MARKS}


def told(counts: Mapping[str, int]) -> Iterator[str]:
    """A line for each mark that some row has."""
    for mark, meaning in MARKS.items():
        if counts[mark]:
            yield f"{counts[mark]:,} {meaning}"
