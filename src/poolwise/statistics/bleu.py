"""How much of a sequence another gives back: n-grams in common, token F1, BLEU.

All are functions of ten counts a row, which add up over rows and can be resampled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ORDER = 4
"""Longest n-gram that BLEU counts."""


def ngram_counts(answers: Sequence[Sequence[int]], references: Sequence[Sequence[int]]) -> Array:
    """Counts of each answer beside its reference, [n, 10].

    Columns: n-grams in common for n = 1 … 4, each counted at most as often as it stands in the
    reference; n-grams of the answer; its length; the reference's length.
    """
    pairs = zip(answers, references, strict=True)
    rows = [_counts(list(answer), list(reference)) for answer, reference in pairs]
    return np.array(rows, np.float64).reshape(-1, 2 * ORDER + 2)


def token_f1(counts: ArrayLike) -> Array:
    """F1 of the tokens as multisets, [...] from [..., 10]: 2 · common / (answer + reference).

    The harmonic mean of precision and recall; 1 where both are empty.
    """
    c = np.asarray(counts, np.float64)
    both = c[..., -2] + c[..., -1]
    return np.asarray(np.where(both > 0, 2 * c[..., 0] / np.where(both > 0, both, 1), 1.0))


def bleu(counts: ArrayLike) -> Array:
    """Corpus BLEU-4, [...] from summed (or averaged) counts [..., 10].

    The geometric mean of the four precisions, times exp(1 − reference / answer) where the answers
    are shorter (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine
    translation"); one reference, no smoothing: 0 where some n-gram is never in common.
    """
    c = np.asarray(counts, np.float64)
    common, total = c[..., :ORDER], c[..., ORDER : 2 * ORDER]
    answer, reference = c[..., -2], c[..., -1]
    some = (common > 0).all(axis=-1)
    precision = np.where(common > 0, common, 1) / np.where(total > 0, total, 1)
    shortfall = np.minimum(0, 1 - reference / np.where(answer > 0, answer, 1))
    return np.asarray(np.where(some, np.exp(np.log(precision).mean(axis=-1) + shortfall), 0.0))


def _counts(answer: list[int], reference: list[int]) -> list[int]:
    sizes = range(1, ORDER + 1)
    common = [(_grams(answer, n) & _grams(reference, n)).total() for n in sizes]
    total = [max(len(answer) - n + 1, 0) for n in sizes]
    return [*common, *total, len(answer), len(reference)]


def _grams(tokens: list[int], n: int) -> Counter[tuple[int, ...]]:
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))
