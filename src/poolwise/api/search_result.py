"""What a search has found, and how it shows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.charts import Cell, TextTable
from poolwise.jobs.search import Hit
from poolwise.jobs.similarity import ScoreName


@dataclass(frozen=True, slots=True)
class QueryHits:
    """The rows nearest to a query, nearest first."""

    query: str
    hits: Sequence[Hit]

    @property
    def table(self) -> TextTable:
        """The hits as a table under the query; a column of texts where the job stored them."""
        with_text = any(hit.text is not None for hit in self.hits)
        names = next((list(hit.kept) for hit in self.hits), [])
        rows: list[tuple[Cell, ...]] = [
            (
                hit.rank,
                hit.score,
                str(hit.id),
                *[hit.text or ""] * with_text,
                *(str(hit.kept[name]) for name in names),
            )
            for hit in self.hits
        ]
        return TextTable(self.query, ("rank", "score", "id", *["text"] * with_text, *names), rows)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The ``k`` rows of the job in ``output`` that are nearest to each query.

    ``column`` holds the vectors of ``readout``, ``score`` names their measure. ``rows`` were
    compared; ``left_out`` have no vector, or one of zeros, which has no cosine. ``prompt`` stood in
    front of the queries, ``row_prompt`` in front of the rows. ``parts`` were there, of
    ``all_parts``.
    """

    output: Path
    queries: Sequence[QueryHits]
    k: int
    column: str
    readout: str
    score: ScoreName
    rows: int
    left_out: int
    parts: int
    all_parts: int
    prompt: str
    row_prompt: str
    seconds: float
    notes: Sequence[str]
    provenance: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """Of how many rows these are the nearest, and by what."""
        count = len(self.queries)
        shown = min(self.k, self.rows)
        each = f" to each of {count:,} queries" if count > 1 else ""
        rate = self.rows / max(self.seconds, 1e-9)
        by = "Hamming distance" if self.score == "hamming" else self.score
        return (
            f"The {shown:,} nearest of {self.rows:,} rows{each} by {by} under {self.readout}, in "
            f"{self.seconds:.2f} s ({rate:,.0f} rows/s): {self.output}"
        )

    def __str__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        from poolwise.reports import summary_html  # noqa: PLC0415 - slow to import

        return summary_html(self.verdict, [found.table for found in self.queries], [])
