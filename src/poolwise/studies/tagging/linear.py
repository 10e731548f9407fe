"""The linear head: multinomial logistic regression on each word's vector."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from poolwise.studies.tagging.corpus import TaggedCorpus, TagIds, f1
from poolwise.studies.tagging.features import Features

PENALTIES = (1e-2, 1e-3, 1e-4)
"""Weights of half the squared norm against the mean loss of a word, strongest first;
scikit-learn's C is 1 / (penalty · words)."""

ITERATIONS = 200


def train_linear(features: Features, corpus: TaggedCorpus, tags: TagIds) -> tuple[TagIds, TagIds]:
    """Predictions for the words of dev and of test, after training on ``tags`` of train's words.

    The penalty is that of the highest F1 on dev. Each training starts from the weights of the next
    stronger penalty, and weaker ones are not tried once the F1 on dev falls.
    """
    train, dev, test = (features.mixed(corpus.word_rows(rows)) for rows in corpus.splits)
    model = LogisticRegression(warm_start=True, tol=1e-3, max_iter=ITERATIONS)
    best, predictions = -1.0, (np.zeros(0, np.intp), np.zeros(0, np.intp))
    for penalty in PENALTIES:
        model.C = 1 / (penalty * len(train))
        with warnings.catch_warnings():
            # Stopping before the optimum regularises too; the F1 on dev decides.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, tags)
        predicted = model.predict(dev)
        score = float(f1(corpus.span_counts(corpus.splits.dev, predicted).sum(axis=0)))
        if score < best:
            break
        if score > best:
            best, predictions = score, (predicted, model.predict(test))
    return predictions
