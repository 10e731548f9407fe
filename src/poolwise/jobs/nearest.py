"""The rows of the highest scores, gathered block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.transforms.linear import Doubles

Rows = NDArray[np.int64]


class Nearest:
    """The ``k`` rows of highest score of each query; of equal scores, the row that came first.

    Rows come in ascending order. ``scores`` and ``rows`` have an array for each query, best first.
    """

    def __init__(self, queries: int, k: int) -> None:
        self.k = k
        self.scores: list[Doubles] = [np.empty(0) for _ in range(queries)]
        self.rows: list[Rows] = [np.empty(0, np.int64) for _ in range(queries)]

    def candidates(
        self, query: int, scores: Floats | Doubles, error: float | Floats
    ) -> NDArray[np.intp]:
        """The places of those scores [n] that may be among the highest, each being at most
        ``error`` from what it stands for."""
        kept = self.scores[query]
        floor = kept[-1] if len(kept) == self.k else -np.inf
        upper = scores + error
        places = np.flatnonzero(upper >= floor)
        if len(places) > 2 * self.k:
            lower = scores - error
            floor = max(floor, np.partition(lower, len(lower) - self.k)[-self.k])
            places = np.flatnonzero(upper >= floor)
        return places

    def add(self, query: int, scores: Doubles, rows: Rows) -> None:
        """Take exact scores [n] of rows that come after all before them."""
        all_scores = np.concatenate([self.scores[query], scores])
        best = np.argsort(-all_scores, kind="stable")[: self.k]
        self.scores[query] = all_scores[best]
        self.rows[query] = np.concatenate([self.rows[query], rows])[best]
