"""A retrieval set from labelled texts: a text searches those of its label."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import replace

from poolwise.errors import TextError
from poolwise.texts.datasets import LabelledTexts, RetrievalData
from poolwise.texts.omitted_rows import counted
from poolwise.texts.tables import rows_hash

QUERY_SHARE = 2
"""One text in so many is a query."""


def queries_of_labels(labelled: LabelledTexts, seed: int = 0) -> RetrievalData:
    """Half of the texts as queries, the others as documents, relevant where the label is the
    same.

    Which text is a query is told by a hash of its letters and ``seed``, so that texts alike (in
    other case, with other blanks or accents, or alike in ``groups``) stand on the same side.
    Queries keep their splits. Raises TextError where no label has both a query and a document, and
    for labels that are no classes.
    """
    if labelled.kind in ("regression", "multilabel"):
        raise TextError(
            f"the labels of {labelled.name} are of the kind {labelled.kind}; queries are made from "
            "one class for each text"
        )
    sides = [_is_query(_key(text, labelled), seed) for text in labelled.texts]
    documents = [row for row, is_query in enumerate(sides) if not is_query]
    by_label: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for place, row in enumerate(documents):
        by_label[labelled.labels[row]][place] = 1.0
    candidates = [row for row, is_query in enumerate(sides) if is_query]
    queries = [row for row in candidates if labelled.labels[row] in by_label]
    if not queries:
        raise TextError(
            f"{labelled.name}: found {len(candidates)} texts to search with and {len(documents)} "
            "to search in, and none of the same label; expected several texts of a label"
        )
    proxy = (
        f"no real queries: {len(queries):,} of {len(labelled):,} texts of {labelled.name}, drawn "
        f"by seed {seed}, search the other {len(documents):,}, and those of the same label count "
        "as relevant"
    )
    notes = [*labelled.notes]
    if n_left_out := len(candidates) - len(queries):
        queries_have = counted(n_left_out, "query has", "queries have")
        notes.append(f"{queries_have} no document of their label; left out")
    texts, labels = labelled.texts, labelled.labels
    return RetrievalData(
        f"{labelled.name} (queries from labels)",
        [str(row + 1) for row in queries],
        [texts[row] for row in queries],
        [str(row + 1) for row in documents],
        [texts[row] for row in documents],
        [by_label[labels[row]] for row in queries],
        [labelled.splits[row] for row in queries],
        rows_hash([(labelled.hash, seed, QUERY_SHARE)]),
        proxy,
        notes,
        labelled.samples,
        labelled.groups,
    )


def without_queries_in_corpus(data: RetrievalData) -> RetrievalData:
    """The same proxy without the documents that an encoder reads as it reads a query (``groups``),
    and without the queries that lose all their documents by it; other data as they are."""
    searching = {data.groups.get(text, text) for text in data.queries} if data.proxy else set()
    kept = [
        place
        for place, text in enumerate(data.documents)
        if data.groups.get(text, text) not in searching
    ]
    if len(kept) == len(data.documents):
        return data
    index = {place: new for new, place in enumerate(kept)}
    # Queries of one label share the map of their documents.
    maps = {
        id(grades): {index[place]: grade for place, grade in grades.items() if place in index}
        for grades in data.relevance
    }
    rows = [row for row, grades in enumerate(data.relevance) if maps[id(grades)]]
    n_alike = len(data.documents) - len(kept)
    left_out = (
        f"{counted(n_alike, 'document', 'documents')} that the encoder reads as it reads a query "
        f"{'is' if n_alike == 1 else 'are'} left out"
    )
    return replace(
        data,
        query_ids=[data.query_ids[row] for row in rows],
        queries=[data.queries[row] for row in rows],
        document_ids=[data.document_ids[place] for place in kept],
        documents=[data.documents[place] for place in kept],
        relevance=[maps[id(data.relevance[row])] for row in rows],
        splits=[data.splits[row] for row in rows],
        notes=[*data.notes, left_out],
    )


def _key(text: str, labelled: LabelledTexts) -> Hashable:
    """Equal for texts that encoders read alike: their group, or their letters and digits."""
    if text in labelled.groups:
        return labelled.groups[text]
    letters = (c for c in unicodedata.normalize("NFKD", text.casefold()) if c.isalnum())
    return "".join(letters) or text


def _is_query(key: Hashable, seed: int) -> bool:
    digest = hashlib.blake2b(f"{seed} {key}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") % QUERY_SHARE == 0
