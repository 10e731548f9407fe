"""The plain head: multinomial logistic regression on each word's vector alone."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from poolwise.studies.tagging.corpus import Rows, TaggedCorpus, f1
from poolwise.studies.tagging.features import Features

PENALTIES = (1e-2, 1e-3, 1e-4)
"""Half the squared weights' price against the mean loss of a word, strongest first;
scikit-learn's C is 1 / (penalty · words)."""

ITERATIONS = 200


def linear(features: Features, corpus: TaggedCorpus, tags: Rows) -> tuple[Rows, Rows]:
    """Guesses for the words of dev and of test, having learned ``tags`` of the words of train.

    The penalty is the one that does best on dev; each starts where the stronger one ended, and
    weaker ones are not tried once dev falls.
    """
    train, dev, test = (features.mixed(corpus.rows(part)) for part in corpus.splits)
    model = LogisticRegression(warm_start=True, tol=1e-3, max_iter=ITERATIONS)
    best, guesses = -1.0, (np.zeros(0, np.intp), np.zeros(0, np.intp))
    for penalty in PENALTIES:
        model.C = 1 / (penalty * len(train))
        with warnings.catch_warnings():
            # An end before the optimum is a regularisation too; dev says whether a good one.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, tags)
        guess = model.predict(dev)
        score = float(f1(corpus.counts(corpus.splits.dev, guess).sum(axis=0)))
        if score < best:
            break
        if score > best:
            best, guesses = score, (guess, model.predict(test))
    return guesses
