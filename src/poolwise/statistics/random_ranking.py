"""What a random order of documents scores on average, query by query, in closed form.

Of n documents a query has r relevant ones; every order is as probable. The cut k is at most n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.retrieval_scores import Judgements, ideal_gain, ratio

Array = NDArray[np.float64]


def random_ndcg(relevant: Judgements, n: int, k: int) -> Array:
    """Every rank has the mean grade of all documents."""
    discounts = float(np.sum(1 / np.log2(np.arange(2, k + 2))))
    return ratio(relevant.sums(relevant.grades) / n * discounts, ideal_gain(relevant, k))


def random_recall(relevant: Judgements, n: int, k: int) -> Array:
    """k / n."""
    return np.where(relevant.counts > 0, k / n, np.nan)


def random_precision(relevant: Judgements, n: int, k: int) -> Array:
    """r / n."""
    del k
    return np.where(relevant.counts > 0, relevant.counts / n, np.nan)


def random_reciprocal_rank(relevant: Judgements, n: int, k: int) -> Array:
    """Σ P(the first relevant one is at rank i) / i, i up to k."""
    none_before = (relevant.counts > 0).astype(np.float64)
    total = np.zeros(relevant.n_queries)
    for rank in range(1, k + 1):
        here = np.minimum(relevant.counts / (n - rank + 1), 1.0)
        total += none_before * here / rank
        none_before = none_before * (1 - here)
    return np.where(relevant.counts > 0, total, np.nan)


def random_average_precision(relevant: Judgements, n: int, k: int) -> Array:
    """Σ (1 + (i − 1) (r − 1) / (n − 1)) / i / n, i up to k: a rank holds a relevant document with
    probability r / n, and then each before it with (r − 1) / (n − 1)."""
    harmonic = float(np.sum(1 / np.arange(1, k + 1)))
    others = (relevant.counts - 1) / max(n - 1, 1)
    values = (harmonic + others * (k - harmonic)) / n
    return np.where(relevant.counts > 0, values, np.nan)
