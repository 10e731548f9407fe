"""A part of a corpus: all judged documents, and others that are drawn."""

from __future__ import annotations

from collections.abc import Container, Iterable

from poolwise.texts.retrieval.id_texts import IdText
from poolwise.texts.sampling import Limit, Reservoir, Sample

DOCUMENTS = "documents"
"""What a sample of a corpus counts."""


def draw_corpus(
    rows: Iterable[IdText], judged: Container[str], n_judged: int, limit: Limit | None, name: str
) -> tuple[list[IdText], Sample | None]:
    """The documents in their order; and the sample they are, if any was left out.

    All ``judged`` ones (``n_judged``), and so many others that ``limit`` rows come together: drawn
    by its seed, the first ones where that is None.
    """
    if limit is None:
        return list(rows), None
    n_others = max(limit.rows - n_judged, 0)
    reservoir: Reservoir[tuple[int, IdText]] | None = None
    if n_others and limit.seed is not None:
        reservoir = Reservoir(Limit(n_others, limit.seed))
    documents: list[tuple[int, IdText]] = []
    count = others = 0
    for row in rows:
        place = (count, row)
        count += 1
        if row.id in judged:
            documents.append(place)
        elif reservoir is not None:
            reservoir.add(place)
        elif others < n_others:
            others += 1
            documents.append(place)
    if reservoir is not None:
        documents = sorted(documents + reservoir.sample(), key=lambda place: place[0])
    drawn = [row for _, row in documents]
    if len(drawn) == count:
        return drawn, None
    return drawn, Sample(name, len(drawn), count, limit.seed, DOCUMENTS)
