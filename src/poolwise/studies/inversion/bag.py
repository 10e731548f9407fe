"""The linear decoder: ridge regression from the vector to the sentence's bag of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.statistics.regression_moments import RegressionMoments
from poolwise.studies.inversion.corpus import FIRST_TOKEN, Corpus

Array = NDArray[np.float64]

PENALTIES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0)
"""scikit-learn's ``alpha`` divided by the rows of train, on standardised features."""

THRESHOLDS = tuple(np.arange(1, 20) / 40)
"""Of a token's score, which is close to the probability that the sentence contains it."""


@dataclass(frozen=True, slots=True)
class Bag:
    """Predicts each token once whose score reaches ``threshold``, the highest first.

    ``coefficients`` [d, k] for centred vectors; ``frequencies`` [k] are the shares of train's
    sentences that contain each token, the intercepts of the scores.
    """

    corpus: Corpus
    mean: Array
    coefficients: Array
    frequencies: Array
    threshold: float

    def predict(self, vectors: Floats) -> list[list[int]]:
        """The encoder's ids for these vectors [n, d]."""
        scores = self.scores(vectors)
        counts = _predicted(scores, self.threshold).sum(axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        vocabulary = self.corpus.vocabulary
        return [vocabulary[row[:k]].tolist() for row, k in zip(order, counts, strict=True)]

    def scores(self, vectors: Floats) -> Array:
        """A score for every token of the vocabulary, [n, k]."""
        return np.asarray((vectors - self.mean) @ self.coefficients + self.frequencies)


def fit_bag(vectors: Floats, corpus: Corpus) -> Bag:
    """The penalty and threshold of the highest token F1 on dev; ``vectors`` [n, d] are
    standardised."""
    return max(_candidates(vectors, corpus), key=lambda candidate: candidate[0])[1]


def most_frequent_tokens(corpus: Corpus) -> list[int]:
    """The ids that most sentences of train contain, as many as score best on dev."""
    zeros = np.zeros((len(corpus), 1), np.float32)
    return fit_bag(zeros, corpus).predict(zeros[:1])[0]


def _candidates(vectors: Floats, corpus: Corpus) -> Iterator[tuple[float, Bag]]:
    """Each penalty and threshold: token F1 on dev, and the bag."""
    train, dev, _ = corpus.splits
    moments = _moments(vectors[train].astype(np.float64), _presence(corpus, train))
    present = _presence(corpus, dev).toarray() > 0
    for penalty in PENALTIES:
        coefficients = moments.coefficients(np.array([penalty]), np.ones(len(moments.xx)))
        bag = Bag(corpus, moments.x_mean, coefficients[:, 0], moments.y_mean, 0.0)
        scores = bag.scores(vectors[dev])
        for threshold in THRESHOLDS:
            predicted = _predicted(scores, threshold)
            sizes = predicted.sum(axis=1) + corpus.lengths[dev]
            f1 = 2 * (predicted & present).sum(axis=1) / sizes
            yield float(f1.mean()), replace(bag, threshold=threshold)


def _presence(corpus: Corpus, rows: RowIndices) -> csr_array:
    """1 where a sentence contains a token of the vocabulary, [n, k]."""
    tokens = [np.unique(corpus.targets[i]) for i in rows.tolist()]
    tokens = [indices[indices >= FIRST_TOKEN] - FIRST_TOKEN for indices in tokens]
    ends = np.cumsum([0, *map(len, tokens)])
    columns = np.concatenate(tokens)
    shape = (len(rows), len(corpus.vocabulary))
    return csr_array((np.ones(len(columns)), columns, ends), shape)


def _moments(x: Array, y: csr_array) -> RegressionMoments:
    """As ``RegressionMoments.of``, but targets, which are mostly zero, are not made dense."""
    n, x_mean, y_mean = len(x), x.mean(axis=0), np.asarray(y.mean(axis=0)).ravel()
    centred = x - x_mean
    yy = np.asarray(y.multiply(y).sum(axis=0)).ravel() - n * y_mean**2
    return RegressionMoments(
        n, x_mean, y_mean, centred.T @ centred, np.asarray((y.T @ centred).T), yy
    )


def _predicted(scores: Array, threshold: float) -> NDArray[np.bool_]:
    """Tokens whose score reaches the threshold; where none does, the highest."""
    return np.asarray(scores >= np.minimum(threshold, scores.max(axis=1, keepdims=True)))
