"""The score of a choice: made on some rows, read on others, every row in both places.

The best of many contenders scores too well on the rows that it was chosen on. Here the choice is
made anew without each fold and scored inside it, over several divisions into folds (nested
cross-validation; on scores by row as in Tsamardinos, Greasidou & Borboudakis 2018, "Bootstrapping
the out-of-sample predictions for efficient and accurate cross-validation").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.clusters import factorize
from poolwise.statistics.folds import assign_folds

Array = NDArray[np.float64]

FOLDS = 5
REPEATS = 20


@dataclass(frozen=True, slots=True)
class CrossFit:
    """A choice among c contenders on n rows.

    ``value``: the mean score of rows under the contenders chosen without them. ``spread``: its
    standard deviation over repeats, which is what the choice itself leaves open; the standard error
    is about the root of its square and the square of the choice's own. ``frequencies`` [c]: how
    often each contender was chosen, as a share. ``scores`` [n] are the rows' own.
    """

    value: float
    spread: float
    frequencies: Array
    scores: Array


def cross_fit(scores: ArrayLike, clusters: ArrayLike | None = None, *, seed: int = 0) -> CrossFit:
    """Choose the column of the largest mean, without each fold, from scores by row [n, c].

    Columns with NaN are never chosen; one column at least has none. ``clusters`` [n] names rows
    that stay in one fold.
    """
    table = np.asarray(scores, np.float64)
    n, c = table.shape
    candidates = np.flatnonzero(np.isfinite(table).all(axis=0))
    table = table[:, candidates]
    codes = np.arange(n) if clusters is None else factorize(clusters)
    total, counts = table.sum(axis=0), np.zeros(c)
    chosen_scores = np.empty((REPEATS, n))
    for repeat in range(REPEATS):
        folds = assign_folds(codes, FOLDS, seed + repeat)
        indicators = (folds == np.arange(FOLDS)[:, None]).astype(np.float64)
        sizes = indicators.sum(axis=1, keepdims=True)
        outside = (total - indicators @ table) / np.maximum(n - sizes, 1)
        chosen = outside.argmax(axis=1)
        chosen_scores[repeat] = table[np.arange(n), chosen[folds]]
        np.add.at(counts, candidates[chosen], sizes[:, 0])
    values = chosen_scores.mean(axis=1)
    return CrossFit(
        value=float(values.mean()),
        spread=float(values.std(ddof=1)),
        frequencies=counts / (REPEATS * n),
        scores=chosen_scores.mean(axis=0),
    )
