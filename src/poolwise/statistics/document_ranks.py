"""The exact ranks of judged documents by cosine, over all documents, block by block.

Every query is compared with every document, and the documents above each judged one are counted:
ranks give every score of a ranking, and no list of neighbours has to be kept.

Cosines are computed in double precision and rounded to 2^-24, so they do not depend on blocks,
threads or the machine's matrix product, and copies of a document tie. Of equal cosines the document
of the higher ``precedence`` comes first: trec_eval has the higher id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.retrieval_scores import Judgements

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Cosines = NDArray[np.int32]

GRID = 1 << 24
"""Cosines are multiples of 1 / GRID."""

DOCUMENTS, QUERIES = 8192, 256
"""Of a block: of 384 dimensions its vectors and its cosines are 25 MB and 32 MB."""

PAIRS = 4096
"""Judged pairs compared at a time."""

NOT_RETRIEVED = np.inf

_LEFT_OUT = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class Corpus:
    """m documents: ``vectors`` gives float64 [k, d] of length 1 for their indices [k].

    ``precedence`` [m] orders documents of the same cosine, no two alike.
    """

    vectors: Callable[[Indices], Array]
    precedence: Indices

    def blocks(self) -> list[Indices]:
        """The documents' indices, a block after another."""
        every = np.arange(len(self.precedence))
        return [every[start : start + DOCUMENTS] for start in range(0, len(every), DOCUMENTS)]


def document_ranks(
    queries: Array, corpus: Corpus, judged: Judgements, left_out: Indices
) -> tuple[Array, float]:
    """The rank, from 1, of each judged document among all, [p]; and the widest range of any
    query's cosines.

    ``queries`` [q, d] have length 1. ``left_out`` [q] is the document that a query does not rank,
    −1 for none; its own rank is infinite.
    """
    search = _Search(queries * GRID, corpus, judged, left_out)
    return search.ranks()


class _Search:
    def __init__(
        self, queries: Array, corpus: Corpus, judged: Judgements, left_out: Indices
    ) -> None:
        self._queries, self._corpus, self._left_out = queries, corpus, left_out
        order = np.lexsort((judged.documents, judged.queries))
        self._judged, self._order = judged, order
        self._documents = judged.documents[order]
        self._query_of = judged.queries[order]
        ends = np.cumsum(judged.counts)
        self._starts, self._ends = ends - judged.counts, ends

    def ranks(self) -> tuple[Array, float]:
        self._cosines = self._judged_cosines()
        above = np.zeros(len(self._documents), np.int64)
        lowest = np.full(len(self._queries), np.iinfo(np.int32).max)
        highest = np.full(len(self._queries), _LEFT_OUT)
        for block in self._corpus.blocks():
            documents = self._corpus.vectors(block)
            for start in range(0, len(self._queries), QUERIES):
                rows = np.arange(start, min(start + QUERIES, len(self._queries)))
                cosines = _rounded(self._queries[rows] @ documents.T)
                lowest[rows] = np.minimum(lowest[rows], cosines.min(axis=1))
                highest[rows] = np.maximum(highest[rows], cosines.max(axis=1))
                self._leave_out(cosines, rows, block)
                self._count(cosines, rows, block, above)
        ranks = np.empty(len(above))
        own = self._documents == self._left_out[self._query_of]
        ranks[self._order] = np.where(own, NOT_RETRIEVED, above + 1)
        return ranks, float((highest - lowest).max(initial=0)) / GRID

    def _judged_cosines(self) -> Cosines:
        """Of each judged pair, [p]."""
        cosines = np.empty(len(self._documents), np.int32)
        for block in self._corpus.blocks():
            inside = (self._documents >= block[0]) & (self._documents <= block[-1])
            pairs = np.flatnonzero(inside)
            if not len(pairs):
                continue
            vectors = self._corpus.vectors(block)
            for start in range(0, len(pairs), PAIRS):
                some = pairs[start : start + PAIRS]
                x = self._queries[self._query_of[some]]
                y = vectors[self._documents[some] - block[0]]
                cosines[some] = _rounded(np.einsum("nd,nd->n", x, y))
        return cosines

    def _leave_out(self, cosines: Cosines, rows: Indices, block: Indices) -> None:
        columns = self._left_out[rows] - block[0]
        here = (columns >= 0) & (columns < len(block))
        cosines[np.flatnonzero(here), columns[here]] = _LEFT_OUT

    def _count(self, cosines: Cosines, rows: Indices, block: Indices, above: Indices) -> None:
        """Add the documents of this block that come before each judged one."""
        ordered = np.sort(cosines, axis=1)
        for i, row in enumerate(rows.tolist()):
            pairs = slice(self._starts[row], self._ends[row])
            judged = self._cosines[pairs]
            if not len(judged):
                continue
            higher = np.searchsorted(ordered[i], judged, "right")
            above[pairs] += len(block) - higher
            ties = higher - np.searchsorted(ordered[i], judged, "left")
            for j in np.flatnonzero(ties).tolist():
                document = self._documents[pairs.start + j]
                if ties[j] == 1 and block[0] <= document <= block[-1]:
                    continue
                tied = block[cosines[i] == judged[j]]
                before = self._corpus.precedence[tied] > self._corpus.precedence[document]
                above[pairs.start + j] += np.count_nonzero(before)


def _rounded(cosines: Array) -> Cosines:
    """Of cosines times GRID; those that are not finite are the lowest."""
    return np.rint(cosines, out=cosines).astype(np.int32)


def ranks_of_scores(
    scores: Iterable[NDArray[np.float32]],
    judged: Judgements,
    precedence: Indices,
    left_out: Indices,
) -> Array:
    """As ``document_ranks``, [p], from the scores [m] of each query in turn; documents of the score
    0 are not retrieved."""
    ranks = np.full(len(judged.documents), NOT_RETRIEVED)
    order = np.argsort(judged.queries, kind="stable")
    ends = np.cumsum(judged.counts)
    for row, of_query in enumerate(scores):
        if left_out[row] >= 0:
            of_query[left_out[row]] = 0
        for pair in order[ends[row] - judged.counts[row] : ends[row]].tolist():
            document = judged.documents[pair]
            if of_query[document] > 0:
                tied = np.flatnonzero(of_query == of_query[document])
                before = np.count_nonzero(precedence[tied] > precedence[document])
                ranks[pair] = 1 + before + np.count_nonzero(of_query > of_query[document])
    return ranks
