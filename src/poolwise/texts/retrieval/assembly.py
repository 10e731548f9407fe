"""Retrieval data put together: queries, corpus and judgments matched by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from poolwise.errors import TextError
from poolwise.records import CAREFUL
from poolwise.texts.datasets import RetrievalData
from poolwise.texts.omitted_rows import counted
from poolwise.texts.retrieval.corpus_sample import draw_corpus
from poolwise.texts.retrieval.id_texts import IdText, IdTexts
from poolwise.texts.retrieval.relevance import Judgments
from poolwise.texts.sampling import Limit, Sample, sampled
from poolwise.texts.tables import rows_hash


@dataclass(frozen=True, slots=True)
class RetrievalSources:
    """What is read: queries, corpus, and the judgments that ``judged_in`` names."""

    name: str
    queries: IdTexts
    corpus: IdTexts
    judgments: Judgments
    judged_in: str


def match_ids(
    sources: RetrievalSources, limit: Limit | None, corpus_limit: Limit | None
) -> RetrievalData:
    """The queries with a relevant document, ``limit`` of them, and the corpus.

    Raises TextError where ids do not match, the corpus is empty, or no query has a relevant
    document.
    """
    judgments = sources.judgments
    query_ids: set[str] = set()
    queries, query_sample = _draw_queries(sources, limit, query_ids)
    judged = {document for query in queries for document in judgments.grades[query.id]}
    documents, corpus_sample = draw_corpus(
        sources.corpus, judged, len(judged), corpus_limit, sources.corpus.name
    )
    if not documents:
        raise TextError(f"the corpus {sources.corpus.name} holds no documents")
    documents = sources.corpus.unique(documents)
    index = {document.id: place for place, document in enumerate(documents)}
    if judged.isdisjoint(index):
        raise _no_match(sources, "document", sorted(judged), sources.corpus)
    relevance = [
        {index[d]: grade for d, grade in judgments.grades[query.id].items() if d in index}
        for query in queries
    ]
    kept = [place for place, grades in enumerate(relevance) if any(g > 0 for g in grades.values())]
    if not kept:
        raise TextError(
            f"no query has a relevant document that is in the corpus {sources.corpus.name}"
        )
    matched = _Matched(
        [queries[place] for place in kept], documents, [relevance[place] for place in kept]
    )
    splits, split_notes = _splits([judgments.splits[query.id] for query in matched.queries])
    notes = [
        *([str(query_sample)] if query_sample else []),
        *([_smaller_corpus(corpus_sample)] if corpus_sample else []),
        *sources.queries.notes,
        *sources.corpus.notes,
        *_missing_notes(sources, query_ids, len(judged - index.keys()), len(queries) - len(kept)),
        *split_notes,
        *matched.notes(),
    ]
    return RetrievalData(
        sources.name,
        [query.id for query in matched.queries],
        [query.text for query in matched.queries],
        [document.id for document in documents],
        [document.text for document in documents],
        matched.relevance,
        splits,
        matched.hash(splits),
        notes=notes,
        samples=[sample for sample in (query_sample, corpus_sample) if sample],
    )


@dataclass(frozen=True, slots=True)
class _Matched:
    queries: Sequence[IdText]
    documents: Sequence[IdText]
    relevance: Sequence[Mapping[int, float]]

    def notes(self) -> Iterator[str]:
        """Texts that are there twice, and what is not judged."""
        for rows, one, several in (
            (self.queries, "query has", "queries have"),
            (self.documents, "document has", "documents have"),
        ):
            repeated = len(rows) - len({row.text for row in rows})
            if repeated:
                yield f"{counted(repeated, one, several)} the text of another under another id"
        pairs = len(self.queries) * len(self.documents)
        judged = sum(map(len, self.relevance))
        if judged < pairs:
            yield (
                f"{judged:,} of {pairs:,} pairs of query and document are judged "
                f"({100 * judged / pairs:.2g} %); the others count as not relevant"
            )
        unjudged = len(self.documents) - len({place for row in self.relevance for place in row})
        if unjudged:
            are = "is" if unjudged == 1 else "are"
            yield f"{unjudged:,} of {len(self.documents):,} documents {are} judged for no query"

    def hash(self, splits: Sequence[str]) -> str:
        """sha256 (hex) over queries with their judgments, and documents."""
        queries = zip(self.queries, self.relevance, splits, strict=True)
        rows = [(*query, sorted(judged.items()), split) for query, judged, split in queries]
        return rows_hash([*rows, *self.documents])


def _draw_queries(
    sources: RetrievalSources, limit: Limit | None, ids: set[str]
) -> tuple[list[IdText], Sample | None]:
    """The queries with a relevant document, at most ``limit``; of every split its share. ``ids``
    gets those of all queries that are read."""
    judgments, queries = sources.judgments, sources.queries
    if not any(map(judgments.relevant, judgments.grades)):
        raise TextError(
            f"no query has a relevant document: no grade of {sources.judged_in} is above 0"
        )

    def with_relevant() -> Iterator[IdText]:
        for row in queries:
            ids.add(row.id)
            if judgments.relevant(row.id):
                yield row

    drawn, sample = sampled(
        with_relevant(), limit, queries.name, "queries", split=lambda row: judgments.splits[row.id]
    )
    if not drawn:
        if not queries.examples:
            raise TextError(f"{queries.name} holds no queries")
        raise _no_match(sources, "query", [*filter(judgments.relevant, judgments.grades)], queries)
    return queries.unique(drawn), sample


def _no_match(
    sources: RetrievalSources, what: str, judged: Sequence[str], texts: IdTexts
) -> TextError:
    plural = {"query": "queries", "document": "documents"}[what]
    return TextError(
        f"none of the {len(judged):,} judged {plural} is in {texts.name}, whose ids are like "
        f"{_listed(texts.examples)}; those of {sources.judged_in} are like {_listed(judged[:2])}; "
        "name files of the same set, with the columns in the order query, document, grade"
    )


def _listed(ids: Sequence[str]) -> str:
    return " and ".join(f"{row_id!r:.40}" for row_id in ids)


def _missing_notes(
    sources: RetrievalSources, query_ids: set[str], n_documents: int, n_without: int
) -> Iterator[str]:
    queries, judgments = sources.queries, sources.judgments
    unknown = len(judgments.grades.keys() - query_ids)
    if unknown and queries.complete:
        missing = counted(unknown, "judged query is", "judged queries are")
        yield f"{missing} not in {queries.name}; left out"
    if n_documents:
        missing = counted(n_documents, "judged document is", "judged documents are")
        yield f"{missing} not in {sources.corpus.name}; left out"
    without = n_without + sum(not judgments.relevant(query) for query in query_ids)
    if without:
        yield f"{counted(without, 'query has', 'queries have')} no relevant document; left out"


def _splits(declared: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """The split of each query, none where all are of the same."""
    if len({*declared}) > 1 or not declared[0]:
        return declared, []
    note = f"all queries are of the split {declared[0]}, so it is divided"
    return [""] * len(declared), [note]


def _smaller_corpus(sample: Sample) -> str:
    return (
        f"{CAREFUL}the corpus is {sample}, with all that are judged for these queries; among fewer "
        "documents every score is higher than among all"
    )
