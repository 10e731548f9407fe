"""Scores of a ranking of documents, query by query, from the ranks of the relevant documents.

They are trec_eval's: nDCG has the grade as its gain and log2(rank + 1) as its discount, over an
ideal of all relevant documents (Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR
techniques"). A document is relevant where its grade is above 0; one without a judgement is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Judgements:
    """p judgements of documents for q queries, in any order.

    ``queries`` and ``documents`` intp [p] are indices, ``grades`` float64 [p].
    """

    queries: Indices
    documents: Indices
    grades: Array
    n_queries: int

    @classmethod
    def of(cls, relevance: Sequence[Mapping[int, float]]) -> Judgements:
        """From a map of documents to grades for each query."""
        sizes = [len(judged) for judged in relevance]
        return cls(
            np.repeat(np.arange(len(relevance)), sizes),
            np.array([document for judged in relevance for document in judged], np.intp),
            np.array([grade for judged in relevance for grade in judged.values()], np.float64),
            len(relevance),
        )

    @cached_property
    def relevant(self) -> Judgements:
        """Those with a grade above 0."""
        kept = self.grades > 0
        return Judgements(
            self.queries[kept], self.documents[kept], self.grades[kept], self.n_queries
        )

    @cached_property
    def counts(self) -> Indices:
        """Judgements of each query, [q]."""
        return np.bincount(self.queries, minlength=self.n_queries)

    def sums(self, values: Array) -> Array:
        """Of each query's values of [p], [q]."""
        return np.bincount(self.queries, values, minlength=self.n_queries).astype(np.float64)

    def positions(self, order: Indices) -> Array:
        """The place, from 1, of each judgement among its query's, [p], where ``order`` sorts all
        judgements by query first."""
        starts = np.cumsum(self.counts) - self.counts
        positions = np.empty(len(self.queries))
        positions[order] = np.arange(len(order)) - starts[self.queries[order]] + 1
        return positions


Score = Callable[[Array, Judgements, float], Array]
"""Ranks [p] from 1 (infinite: not retrieved) of relevant documents, their judgements, and the rank
k at which the ranking is cut (infinite: nowhere) → the score of each query [q]; NaN of a query
without relevant documents."""


def ndcg(ranks: Array, relevant: Judgements, k: float) -> Array:
    """Normalised discounted cumulative gain of the first k documents."""
    return ratio(_discounted(ranks, relevant, k), ideal_gain(relevant, k))


def ideal_gain(relevant: Judgements, k: float) -> Array:
    """The discounted gain of the best ranking, cut at k, of each query, [q]."""
    best = np.lexsort((-relevant.grades, relevant.queries))
    return _discounted(relevant.positions(best), relevant, k)


def recall(ranks: Array, relevant: Judgements, k: float) -> Array:
    """The share of the relevant documents that is among the first k."""
    return ratio(relevant.sums((ranks <= k).astype(np.float64)), relevant.counts)


def precision(ranks: Array, relevant: Judgements, k: float) -> Array:
    """The share of the first k documents that is relevant."""
    found = relevant.sums((ranks <= k).astype(np.float64))
    return ratio(found, np.where(relevant.counts > 0, k, 0))


def reciprocal_rank(ranks: Array, relevant: Judgements, k: float) -> Array:
    """1 / rank of the first relevant document; 0 where it is not among the first k."""
    inverse = np.zeros(relevant.n_queries)
    np.maximum.at(inverse, relevant.queries, np.where(ranks <= k, 1 / ranks, 0.0))
    return np.where(relevant.counts > 0, inverse, np.nan)


def average_precision(ranks: Array, relevant: Judgements, k: float) -> Array:
    """The mean, over all relevant documents, of the precision at their ranks; 0 beyond k."""
    order = np.lexsort((ranks, relevant.queries))
    precisions = np.where(ranks <= k, relevant.positions(order) / ranks, 0.0)
    return ratio(relevant.sums(precisions), relevant.counts)


def _discounted(ranks: Array, relevant: Judgements, k: float) -> Array:
    return relevant.sums(np.where(ranks <= k, relevant.grades / np.log2(ranks + 1), 0.0))


def ratio(part: Array, whole: ArrayLike) -> Array:
    """part / whole, [q]; NaN where the whole is 0."""
    total = np.asarray(whole, np.float64)
    shares: Array = np.divide(part, total, out=np.full(len(part), np.nan), where=total > 0)
    return shares
