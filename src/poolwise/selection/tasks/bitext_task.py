"""The task of parallel sentences: is the nearest of all translations the sentence's own?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.retrieval_task import RetrievalTask, unit_vectors
from poolwise.selection.tasks.task import fitted_steps
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.label_scores import weighted_f1
from poolwise.texts import RetrievalData

Array = NDArray[np.float64]

FIRST, REVERSED, F1 = "accuracy@1", "accuracy@1, second to first", "weighted F1"

BLOCK = 512
"""Sentences whose cosines with all others are in memory at once."""


class BitextTask(RetrievalTask):
    """Share of sentences whose nearest among all second sentences is their own.

    The queries are the first sentences, the documents the second; each query has one relevant
    document. It is the accuracy of MTEB's bitext mining, which searches from first to second only.
    """

    def __init__(self, data: RetrievalData, seed: int) -> None:
        """Raises StudyError where a query has another number of relevant documents than one."""
        _check(data)
        self.own = np.array([document for (document,) in _relevant(data)], np.intp)
        super().__init__(data, seed, "precision@1")
        self.score = FIRST

    def other_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> dict[str, Array] | None:
        """Each sentence's pseudo-value, [q], of the search from second to first and of MTEB's F1;
        None where vectors lack the directions that a step needs."""
        fitted = cache.rows(self.fit_texts, "document")
        apply = fitted_steps(steps, vectors[fitted[cache.usable[fitted]]], cache.dense_stack)
        if apply is None:
            return None
        first = cache.rows(self.data.queries, "query")
        second = cache.rows(self.documents, "document")
        usable = cache.usable[first]
        queries = unit_vectors(apply, vectors[first])
        documents = unit_vectors(apply, vectors[second])
        backward = _nearest(documents, queries)[self.own] == np.arange(len(self))
        f1 = np.full(len(self), np.nan)
        rows = np.flatnonzero(usable)
        value, influence = weighted_f1(_nearest(queries, documents)[rows], self.own[rows])
        f1[rows] = value + influence
        return {REVERSED: np.where(usable, backward, np.nan), F1: f1}


def is_parallel(data: RetrievalData) -> bool:
    """Whether each query has one relevant document, its translation."""
    return all(len(relevant) == 1 for relevant in _relevant(data))


def _relevant(data: RetrievalData) -> list[list[int]]:
    """The relevant documents of each query, [q]."""
    return [[i for i, grade in grades.items() if grade > 0] for grades in data.relevance]


def _check(data: RetrievalData) -> None:
    for query, relevant in zip(data.queries, _relevant(data), strict=True):
        if len(relevant) != 1:
            raise StudyError(
                f"{data.name}: the sentence {query!r:.60} has {len(relevant)} relevant documents; "
                "bitext mining takes parallel sentences, one translation each. Ask retrieval "
                "instead"
            )


def _nearest(x: Array, y: Array) -> RowIndices:
    """The row of y [m, d] whose product with each row of x [n, d] is largest, [n]."""
    found = np.empty(len(x), np.intp)
    for start in range(0, len(x), BLOCK):
        found[start : start + BLOCK] = (x[start : start + BLOCK] @ y.T).argmax(axis=1)
    return found
