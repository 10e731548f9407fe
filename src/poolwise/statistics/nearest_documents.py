"""Each query's nearest documents by cosine, over all of them, block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
Floats = NDArray[np.float32]

QUERIES = 512
"""Of a block: with 20,000 documents its cosines are 40 MB."""


def nearest_documents(
    queries: Floats, documents: Floats, k: int, left_out: Indices | None = None
) -> Indices:
    """Indices of the k documents [m, d] of the largest inner product with each query [q, d], in no
    order, [q, k]; vectors of length 1 make that the cosine.

    ``left_out`` [q] is the document that is not looked at for a query; −1 for none. Raises
    ValueError for fewer documents than that.
    """
    if k + (left_out is not None) > len(documents):
        raise ValueError(f"{k} nearest of {len(documents)} documents")
    nearest = np.empty((len(queries), k), np.intp)
    for start in range(0, len(queries), QUERIES):
        block = slice(start, start + QUERIES)
        cosines = queries[block] @ documents.T
        if left_out is not None:
            some = np.flatnonzero(left_out[block] >= 0)
            cosines[some, left_out[block][some]] = -np.inf
        nearest[block] = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    return nearest
