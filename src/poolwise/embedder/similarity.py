"""Similarities of vectors, by sentence-transformers' names of the measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from poolwise.encoders.modules.prompts import SimilarityName
from poolwise.records import Floats
from poolwise.transforms.linear import Doubles, l2

Formula = Callable[[Doubles, Doubles], Doubles]

Measure = Callable[[SimilarityName, NDArray[np.generic], NDArray[np.generic]], Floats]

_ALL: Mapping[SimilarityName, Formula] = {
    "cosine": lambda a, b: l2(a) @ l2(b).T,
    "dot": lambda a, b: a @ b.T,
    "euclidean": lambda a, b: -cdist(a, b, "euclidean"),
    "manhattan": lambda a, b: -cdist(a, b, "cityblock"),
}

_PAIRS: Mapping[SimilarityName, Formula] = {
    "cosine": lambda a, b: np.einsum("nd,nd->n", l2(a), l2(b)),
    "dot": lambda a, b: np.einsum("nd,nd->n", a, b),
    "euclidean": lambda a, b: -np.linalg.norm(a - b, axis=1),
    "manhattan": lambda a, b: -np.abs(a - b).sum(axis=1),
}


def all_pairs(
    name: SimilarityName, first: NDArray[np.generic], second: NDArray[np.generic]
) -> Floats:
    """Every row of ``first`` [n, d] with every row of ``second`` [m, d], float32 [n, m].

    Distances are negative, so that the larger value is always the more similar pair.
    """
    return _ALL[name](first.astype(np.float64), second.astype(np.float64)).astype(np.float32)


def pairwise(
    name: SimilarityName, first: NDArray[np.generic], second: NDArray[np.generic]
) -> Floats:
    """Row by row of ``first`` and ``second`` [n, d], float32 [n]."""
    return _PAIRS[name](first.astype(np.float64), second.astype(np.float64)).astype(np.float32)
