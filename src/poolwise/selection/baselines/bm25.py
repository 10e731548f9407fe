"""BM25: documents ranked by the query's words, without an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import needs

NAME = "BM25"

K1, B = 1.5, 0.75

NOTE = (
    "BM25 by bm25s: Lucene's formula, k1 1.5, b 0.75; words of two or more letters or digits, in "
    "lower case, no stop words taken out, no stemming; a document without any of the query's words "
    "is not retrieved"
)


def bm25_scores(documents: Sequence[str], queries: Sequence[str]) -> Iterator[NDArray[np.float32]]:
    """The scores of all documents, [m], for one query after another.

    Robertson & Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond"; Kamphuis
    et al. 2020 compare the variants. Raises MissingExtraError without bm25s.
    """
    with needs("retrieval", NAME):
        import bm25s  # noqa: PLC0415 - an extra

    options = {"stopwords": None, "show_progress": False}
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index(bm25s.tokenize(documents, **options), show_progress=False)
    for words in bm25s.tokenize(queries, return_ids=False, **options):
        known = [word for word in words if word in index.vocab_dict]
        if known:
            yield np.asarray(index.get_scores(known), np.float32)
        else:
            yield np.zeros(len(documents), np.float32)
