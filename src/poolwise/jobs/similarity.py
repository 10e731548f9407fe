"""How near stored vectors are to those of queries."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import OptionError
from poolwise.jobs.nearest import Nearest, Rows
from poolwise.readouts import Readout
from poolwise.transforms.linear import Doubles, l2

ScoreName = Literal["cosine", "dot", "hamming"]
"""``hamming`` counts the bits that differ, fewest first; it belongs to ``binary``, and alone."""

_UNIT = 2.0**-24
"""Half of the distance from 1 to the next float32."""

_SAFE_NORMS = (1e-12, 1e15)
"""The squares of float32 between them neither vanish nor overflow."""


class Similarity(Protocol):
    """A measure with the vectors of ``count`` queries, of ``width`` values each, which are int8
    where ``is_bytes``."""

    count: int
    width: int
    is_bytes: bool

    def add(self, vectors: NDArray[Any], rows: Rows, nearest: Nearest) -> int:
        """Give ``nearest`` what may be among its rows, of vectors [n, d] of the ``rows`` [n]; how
        many of them have no score."""

    def shown(self, score: float) -> float:
        """A score of ``nearest``, where the highest is the nearest, as users know it."""


def similarity_of(name: ScoreName, queries: NDArray[Any]) -> Similarity:
    """The measure of this name with the vectors of queries [q, d]."""
    return _Hamming(queries) if name == "hamming" else _Product(queries, cosine=name == "cosine")


def score_of(score: str | None, readout: Readout) -> ScoreName:
    """The name of a readout's score, by default what suits it. Raises OptionError."""
    is_binary = bool(readout.steps) and readout.steps[-1].name == "binary"
    choices = [name for name in get_args(ScoreName) if (name == "hamming") == is_binary]
    if score is not None and score not in choices:
        raise OptionError(
            f"score is {score!r:.60}, expected {' or '.join(choices)} for vectors of {readout}"
        )
    chosen: ScoreName = next(name for name in choices if score in (None, name))
    return chosen


class _Product:
    """Cosines, or dot products: in float32 of all rows, then of those that may be among the nearest
    in float64, row by row, so that no score depends on the rows beside it."""

    def __init__(self, queries: NDArray[Any], *, cosine: bool) -> None:
        exact = queries.astype(np.float64)
        self.count, self.width = queries.shape
        self.is_bytes = queries.dtype == np.int8
        self._cosine = cosine
        self._exact = l2(exact) if cosine else exact
        self._fast = self._exact.astype(np.float32)
        self._norms = np.linalg.norm(self._exact, axis=1)
        # Higham's bound of a float32 dot product, of its norm, and of the query's rounding.
        self._error = (2 * self.width + 8) * _UNIT

    def add(self, vectors: NDArray[Any], rows: Rows, nearest: Nearest) -> int:
        block = vectors.astype(np.float32, copy=False)
        with np.errstate(all="ignore"):  # what is not safe is computed again
            norms = np.sqrt(np.einsum("nd,nd->n", block, block))
            products = self._fast @ block.T
            if self._cosine:
                products /= norms
        safe = (norms > _SAFE_NORMS[0]) & (norms < _SAFE_NORMS[1])
        unsafe = np.flatnonzero(~safe)
        products[:, unsafe] = -np.inf
        sizes = np.where(safe, norms, 0)
        for query, scores in enumerate(products):
            error = self._error * (1.0 if self._cosine else self._norms[query] * sizes)
            places = nearest.candidates(query, scores, error)
            places = places[safe[places]]
            if len(unsafe):
                places = np.union1d(places, unsafe)
            exact = self._scores(query, block[places])
            known = np.isfinite(exact)
            nearest.add(query, exact[known], rows[places[known]])
        return int(np.count_nonzero(~np.isfinite(self._scores(0, block[unsafe]))))

    def shown(self, score: float) -> float:
        return score

    def _scores(self, query: int, vectors: NDArray[np.float32]) -> Doubles:
        """The scores of vectors [n, d]; NaN where one has none."""
        exact = vectors.astype(np.float64)
        with np.errstate(all="ignore"):
            scores: Doubles = (exact * self._exact[query]).sum(axis=1)
            if self._cosine:
                scores = (scores / np.sqrt((exact * exact).sum(axis=1))).clip(-1, 1)
        return scores


class _Hamming:
    """Bits that differ, negative: the highest is the nearest."""

    def __init__(self, queries: NDArray[Any]) -> None:
        self.count, self.width = queries.shape
        self.is_bytes = True
        self._queries = _words(queries)

    def add(self, vectors: NDArray[Any], rows: Rows, nearest: Nearest) -> int:
        words = _words(vectors)
        for query, bits in enumerate(self._queries):
            scores = -np.bitwise_count(words ^ bits).sum(axis=1, dtype=np.float64)
            places = nearest.candidates(query, scores, 0.0)
            nearest.add(query, scores[places], rows[places])
        return 0

    def shown(self, score: float) -> float:
        return int(-score)


def _words(vectors: NDArray[Any]) -> NDArray[Any]:
    """Packed bits [n, bytes] in the longest words that hold them evenly."""
    width = vectors.shape[1]
    word = next(size for size in (8, 4, 2, 1) if width % size == 0)
    return np.ascontiguousarray(vectors).view(np.dtype(f"u{word}"))
