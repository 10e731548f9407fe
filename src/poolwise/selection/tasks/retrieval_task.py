"""The task of queries and a corpus: do the documents that are relevant rank first?"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.prompts import TextKind
from poolwise.errors import StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.folds import fold_rows
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.ranking_scores import DEFAULT, RankingScore, ranking_score
from poolwise.selection.tasks.task import Apply, fitted_steps
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.document_ranks import NOT_RETRIEVED, Corpus, document_ranks
from poolwise.statistics.pseudo_values import Scale
from poolwise.statistics.retrieval_scores import Judgements
from poolwise.texts import RetrievalData

Array = NDArray[np.float64]

MAX_FIT_DOCUMENTS = 20_000
"""Steps are fitted on a sample of a larger corpus: a covariance needs no more."""

FLAT = 1e-6
"""Cosines that differ by less are the same, but for rounding."""


class RetrievalTask:
    """A score of the ranking of all documents by their cosine with the query; queries are rows.

    A row's pseudo-value is the query's own score, so the mean is exact, and queries are independent
    of each other, given the corpus. Steps are fitted on documents, as an index is, without
    relevance, so no query has to be left out of the fit. Of equal cosines the document of the
    higher id comes first, as in trec_eval, and a document whose id is the query's is not ranked, as
    in BEIR. A query that is empty, or has no relevant document, has no score; an empty document is
    never retrieved.
    """

    scale: Scale = "share"
    strata: RowIndices | None = None
    fit_kind: TextKind | None = "document"

    def __init__(self, data: RetrievalData, seed: int, score: str = DEFAULT) -> None:
        """Raises StudyError for fewer than 50 queries, and where none has a relevant document."""
        self.name, self.data, self._seed = data.name, data, seed
        self.ranking_score = ranking_score(score)
        self.score = self.ranking_score.name
        keys = duplicate_keys(data.queries, data.groups)
        self.groups = factorize(keys)
        folds = fold_rows(data.splits, [(key,) for key in keys], seed)
        self.folds = replace(folds, notes=(*self._notes(folds.has_test), *folds.notes[1:]))
        self.notes: Sequence[str] = self.folds.notes
        self.judged = Judgements.of(data.relevance)
        if not len(self.judged.relevant.queries):
            raise StudyError(f"{self.name}: no query has a relevant document; check --relevance")

    def _notes(self, has_test: bool) -> Iterator[str]:
        n = len(self.data.documents)
        yield (
            f"each of {len(self.data):,} queries ranks {n:,} documents by cosine; intervals are "
            "over queries, for this corpus"
        )
        fitted = min(n, MAX_FIT_DOCUMENTS)
        yield (
            f"steps are fitted on {'the' if fitted == n else f'{fitted:,} of the'} documents, "
            "without their relevance"
        )
        if has_test:
            yield "chosen on the queries that are not declared test, reported on those that are"

    def __len__(self) -> int:
        return len(self.data)

    @property
    def key(self) -> Hashable:
        """Equal for tasks that score a readout alike."""
        return (self.name, self.data.hash, self.score, self._seed)

    @property
    def texts(self) -> Sequence[str]:
        return [*self.data.queries, *self.documents]

    @cached_property
    def documents(self) -> Sequence[str]:
        """The documents' texts, of those that the encoder reads alike the first, [m]."""
        first: dict[Hashable, str] = {}
        keys = duplicate_keys(self.data.documents, self.data.groups)
        pairs = zip(keys, self.data.documents, strict=True)
        return [first.setdefault(key, text) for key, text in pairs]

    @cached_property
    def fit_texts(self) -> Sequence[str]:
        """Different documents, at most ``MAX_FIT_DOCUMENTS``, drawn by the seed."""
        unique = list(dict.fromkeys(self.documents))
        if len(unique) <= MAX_FIT_DOCUMENTS:
            return unique
        drawn = np.random.default_rng(self._seed).permutation(len(unique))[:MAX_FIT_DOCUMENTS]
        return [unique[i] for i in np.sort(drawn).tolist()]

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        return self.scores_by(self.ranking_score, self.ranks(cache, vectors, steps), cache)

    def scores_by(self, score: RankingScore, ranks: Array | None, cache: VectorCache) -> Array:
        """Each query's score, [q], from the ranks of the relevant documents; NaN for a query that
        is empty, and everywhere where there are no ranks."""
        if ranks is None:
            return np.full(len(self), np.nan)
        scores = score.of(ranks, self.judged.relevant)
        scores[~cache.usable[cache.rows(self.data.queries, "query")]] = np.nan
        return scores

    def ranks(
        self,
        cache: VectorCache,
        vectors: Floats,
        steps: Readout | None = None,
        judged: Judgements | None = None,
    ) -> Array | None:
        """The rank of each judged document, by default of the relevant ones, [p]; infinite for one
        that is not ranked. None where all cosines are the same, or vectors lack the directions that
        a step needs."""
        judged = self.judged.relevant if judged is None else judged
        fitted = cache.rows(self.fit_texts, "document")
        apply = fitted_steps(steps, vectors[fitted[cache.usable[fitted]]], cache.dense_stack)
        if apply is None:
            return None
        rows = cache.rows(self.documents, "document")
        ranked = np.flatnonzero(cache.usable[rows])
        place = np.full(len(rows), -1)
        place[ranked] = np.arange(len(ranked))
        inside = place[judged.documents] >= 0
        among = Judgements(
            judged.queries[inside],
            place[judged.documents[inside]],
            judged.grades[inside],
            len(self),
        )
        queries = unit_vectors(apply, vectors[cache.rows(self.data.queries, "query")])
        corpus = Corpus(
            lambda i: unit_vectors(apply, vectors[rows[ranked[i]]]), self.precedence[ranked]
        )
        left_out = np.where(self.same_id >= 0, place[self.same_id], -1)
        some, spread = document_ranks(queries, corpus, among, left_out)
        if spread < FLAT:
            return None
        ranks = np.full(len(judged.documents), NOT_RETRIEVED)
        ranks[inside] = some
        return ranks

    def chance_scores(self) -> Array:
        """What a random order scores on average, in closed form."""
        return self.ranking_score.of_random_order(self.judged.relevant, len(self.data.documents))

    def shuffled(self) -> RetrievalTask:
        """The same task with the relevant documents of another query, drawn by the seed."""
        order = np.random.default_rng(self._seed).permutation(len(self)).tolist()
        other = order[1:] + order[:1]
        relevance = list(self.data.relevance)
        for query, donor in zip(order, other, strict=True):
            relevance[query] = self.data.relevance[donor]
        data = replace(self.data, relevance=relevance, hash=f"{self.data.hash} shuffled")
        return RetrievalTask(data, self._seed, self.ranking_score.name)

    @cached_property
    def same_id(self) -> RowIndices:
        """The document of the query's own id, [q]; −1 where there is none."""
        places = {name: i for i, name in enumerate(self.data.document_ids)}
        return np.array([places.get(name, -1) for name in self.data.query_ids], np.intp)

    @cached_property
    def precedence(self) -> RowIndices:
        """Each document's place in the order of ids, [m]."""
        ids = self.data.document_ids
        places = np.empty(len(ids), np.intp)
        places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return places


def unit_vectors(apply: Apply, vectors: Floats) -> Array:
    """The vectors [n, d] after the steps, of length 1; zeros where one is zero or not finite."""
    x = np.asarray(apply(vectors), np.float64)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    finite = np.isfinite(norms) & (norms > 0)
    unit: Array = np.divide(x, norms, out=np.zeros_like(x), where=finite)
    return unit
