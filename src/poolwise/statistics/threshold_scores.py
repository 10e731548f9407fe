"""What a threshold on a score decides: matches above it, the others below.

``scores`` [n] are any numbers, ``positive`` bool [n] what is a match. The thresholds lie midway
between two scores that occur, as those of sentence-transformers' BinaryClassificationEvaluator do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def accuracy_threshold(scores: ArrayLike, positive: ArrayLike) -> float:
    """The threshold above which a match is called, so that most rows are called right."""
    places, hits, called, true = _cuts(scores, positive)
    right = hits + (len(true) - true.sum()) - (called - hits)
    return _midway(places, int(right.argmax()))


def f1_threshold(scores: ArrayLike, positive: ArrayLike) -> float:
    """The threshold above which a match is called, so that F1 of the matches is highest."""
    places, hits, called, true = _cuts(scores, positive)
    return _midway(places, int((2 * hits / np.maximum(called + true.sum(), 1)).argmax()))


def binary_f1(called: ArrayLike, positive: ArrayLike) -> tuple[float, Array]:
    """F1 of the rows called a match, bool [n], and each row's influence on it, [n] with mean 0.

    F1 = 2 h / s with h hits among s rows called or true, a row of both counted twice; a row moves
    it by n (2 · its hit − F1 · its part of s) / s. NaN where there is neither.
    """
    some, true = np.asarray(called, np.bool_), np.asarray(positive, np.bool_)
    either = int(some.sum() + true.sum())
    if not either:
        return float("nan"), np.full(len(true), np.nan)
    hits = (some & true).astype(np.float64)
    value = 2 * float(hits.sum()) / either
    part = some.astype(np.float64) + true
    return value, np.asarray((2 * hits - value * part) * len(true) / either)


def _cuts(scores: ArrayLike, positive: ArrayLike) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """The different scores from the highest down, and the matches and the rows at each or above."""
    values, true = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    places, inverse = np.unique(-values, return_inverse=True)
    called = np.cumsum(np.bincount(inverse), dtype=np.float64)
    hits = np.cumsum(np.bincount(inverse, weights=true))
    return -places, np.asarray(hits, np.float64), called, true


def _midway(places: Array, last: int) -> float:
    """Between the last score called a match and the next; the last itself where there is none."""
    return float(places[last : last + 2].mean())
