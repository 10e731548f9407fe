"""Which tokens are in the sentence? One ridge from the vector, a column a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.statistics.regression_moments import RegressionMoments
from poolwise.studies.inversion.corpus import FIRST, Corpus

Array = NDArray[np.float64]

PENALTIES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0)
"""scikit-learn's ``alpha`` divided by the rows of train, on standardised features."""

BARS = tuple(np.arange(1, 20) / 40)
"""From which score on a token is said; scores are near the chance that it is there."""


@dataclass(frozen=True, slots=True)
class Bag:
    """Says each token once whose score reaches ``bar``, the highest first.

    ``coefficients`` [d, k] for centred vectors, ``often`` [k] the share of train's sentences that
    hold each token, which is the score where the vector is the mean of train.
    """

    corpus: Corpus
    mean: Array
    coefficients: Array
    often: Array
    bar: float

    def answers(self, vectors: Floats) -> list[list[int]]:
        """The encoder's ids for these vectors [n, d]."""
        scores = self.scores(vectors)
        counts = _said(scores, self.bar).sum(axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        return [self.corpus.known[row[:k]].tolist() for row, k in zip(order, counts, strict=True)]

    def scores(self, vectors: Floats) -> Array:
        """How sure it is of each token, [n, k]."""
        return np.asarray((vectors - self.mean) @ self.coefficients + self.often)


def learn_bag(vectors: Floats, corpus: Corpus) -> Bag:
    """Penalty and bar are those of the highest token F1 on dev; ``vectors`` [n, d] are
    standardised."""
    return max(_bags(vectors, corpus), key=lambda found: found[0])[1]


def most_frequent(corpus: Corpus) -> list[int]:
    """The tokens that stand in most sentences of train, so many as score best on dev."""
    nothing = np.zeros((len(corpus), 1), np.float32)
    return learn_bag(nothing, corpus).answers(nothing[:1])[0]


def _bags(vectors: Floats, corpus: Corpus) -> Iterator[tuple[float, Bag]]:
    train, dev, _ = corpus.splits
    split = _moments(vectors[train].astype(np.float64), _presence(corpus, train))
    there = _presence(corpus, dev).toarray() > 0
    for penalty in PENALTIES:
        found = split.coefficients(np.array([penalty]), np.ones(len(split.xx)))
        bag = Bag(corpus, split.x_mean, found[:, 0], split.y_mean, 0.0)
        scores = bag.scores(vectors[dev])
        for bar in BARS:
            said = _said(scores, bar)
            both = said.sum(axis=1) + corpus.lengths[dev]
            f1 = 2 * (said & there).sum(axis=1) / both
            yield float(f1.mean()), replace(bag, bar=bar)


def _presence(corpus: Corpus, rows: RowIndices) -> csr_array:
    """1 where a sentence holds a token that is known, [n, k]."""
    held = [np.unique(corpus.numbers[i]) for i in rows.tolist()]
    held = [numbers[numbers >= FIRST] - FIRST for numbers in held]
    ends = np.cumsum([0, *map(len, held)])
    columns = np.concatenate(held)
    return csr_array((np.ones(len(columns)), columns, ends), (len(rows), len(corpus.known)))


def _moments(x: Array, y: csr_array) -> RegressionMoments:
    """As ``RegressionMoments.of``, without a dense matrix of the targets, which are sparse."""
    n, x_mean, y_mean = len(x), x.mean(axis=0), np.asarray(y.mean(axis=0)).ravel()
    centred = x - x_mean
    yy = np.asarray(y.multiply(y).sum(axis=0)).ravel() - n * y_mean**2
    return RegressionMoments(
        n, x_mean, y_mean, centred.T @ centred, np.asarray((y.T @ centred).T), yy
    )


def _said(scores: Array, bar: float) -> NDArray[np.bool_]:
    """Tokens from ``bar`` up; where none reaches it, the highest."""
    return np.asarray(scores >= np.minimum(bar, scores.max(axis=1, keepdims=True)))
