"""Documents that are searched, and the texts that search them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from poolwise.encoders.modules.prompts import TextKind
from poolwise.errors import StudyError
from poolwise.records import Sentence
from poolwise.selection.duplicates import without_duplicates
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache
from poolwise.texts import LabelledTexts, RetrievalData, Texts

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

NEAREST = 10
MOST_DOCUMENTS, MOST_QUERIES = 10_000, 2000
FEWEST_DOCUMENTS, FEWEST_QUERIES = 30, 100
"""Below which nothing is said of hubs."""


@dataclass(frozen=True, slots=True)
class TextIndex:
    """Different ``documents`` [m] and ``queries`` [q]. ``left_out`` [q] is the document that a
    query does not find, itself, where texts search each other; −1 for none."""

    documents: Sequence[str]
    queries: Sequence[str]
    left_out: RowIndices
    query_kind: TextKind | None = None
    document_kind: TextKind | None = None

    def rows(self, cache: VectorCache, name: str) -> IndexRows:
        """Where the vectors lie, without empty texts and those that are not finite.

        Raises StudyError where too few are left, naming the data.
        """
        documents = cache.rows(self.documents, self.document_kind)
        queries = cache.rows(self.queries, self.query_kind)
        kept, asked = cache.usable[documents], cache.usable[queries]
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        left_out = np.where(self.left_out >= 0, place[self.left_out], -1)
        rows = IndexRows(documents[kept], queries[asked], left_out[asked])
        for found, least, noun in (
            (len(rows.documents), FEWEST_DOCUMENTS, "documents"),
            (len(rows.queries), FEWEST_QUERIES, "queries"),
        ):
            if found < least:
                what = noun if self.query_kind else "texts"
                raise StudyError(
                    f"{name}: {found} different {what} that are not empty; hubs are looked for "
                    f"among {least} or more"
                )
        return rows


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Rows of a vector cache: of documents [m], of queries [q], and the index among the documents
    of what each query leaves out [q]."""

    documents: RowIndices
    queries: RowIndices
    left_out: RowIndices


def text_index(
    data: RetrievalData | LabelledTexts | Texts, encoder: Encoder, seed: int
) -> TextIndex:
    """Queries and documents of retrieval data; of other data every text searches the others.

    At most ``MOST_DOCUMENTS`` and ``MOST_QUERIES``, drawn by the seed.
    """
    rng = np.random.default_rng(seed)
    if isinstance(data, RetrievalData):
        documents = _drawn(without_duplicates(encoder, data.documents), MOST_DOCUMENTS, rng)
        queries = _drawn(without_duplicates(encoder, data.queries), MOST_QUERIES, rng)
        own = _own_documents(data, queries, documents)
        return TextIndex(documents, queries, own, "query", "document")
    raw = data.texts if isinstance(data, LabelledTexts) else data
    texts = [text.text if isinstance(text, Sentence) else text for text in raw]
    documents = _drawn(without_duplicates(encoder, texts), MOST_DOCUMENTS, rng)
    queries = documents[:MOST_QUERIES]
    return TextIndex(documents, queries, np.arange(len(queries)))


def _drawn(texts: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    return [texts[i] for i in rng.permutation(len(texts))[:most].tolist()]


def _own_documents(
    data: RetrievalData, queries: Sequence[str], documents: Sequence[str]
) -> RowIndices:
    """The document of the query's own id, or of its very text."""
    place = {text: i for i, text in enumerate(documents)}
    text_of = dict(zip(data.document_ids, data.documents, strict=True))
    id_of = dict(zip(data.queries, data.query_ids, strict=True))
    own = (text_of.get(id_of[query], query) for query in queries)
    return np.array([place.get(text, -1) for text in own], np.intp)
