"""SentEval's logistic regression: how it is regularised, and what its accuracy is of.

``senteval/tools/validation.py`` with ``usepytorch`` off: scikit-learn's ``LogisticRegression`` on
features as they are, ``C`` chosen by accuracy rounded to 0.01 %, the smallest of equals; folds are
``StratifiedKFold(10, shuffle=True, random_state=1111)``, within those and without. The solver here
is another, of the same objective.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from poolwise.errors import StudyError
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.logistic_path import LogisticPath

Accuracies = NDArray[np.float64]

FOLDS = 10
SEED = 1111

STRENGTHS: Sequence[float] = [2.0**t for t in range(-2, 4)]
"""``C`` of tasks without splits, and of those with a split to choose it on."""

STRENGTHS_BY_FOLDS: Sequence[float] = [2.0**t for t in range(-1, 6)]
"""``C`` of tasks with splits to train and to test on."""

TOLERANCE = 1e-7
"""Where the solver stops: nearer to the minimum than scikit-learn's, which leaves some predictions
of a thousand undecided."""


@dataclass(frozen=True, slots=True)
class Split:
    """``features`` [n, d] and ``labels`` [n], numbers from 0."""

    features: NDArray[np.float32]
    labels: NDArray[np.intp]

    def at(self, rows: NDArray[np.intp]) -> Split:
        """These rows of it."""
        return Split(self.features[rows], self.labels[rows])


def nested_accuracy(train: Split) -> float:
    """The mean over ten folds, each with its ``C`` chosen by ten folds of the others."""
    return float(
        np.mean([cross_validated_accuracy(*pair, strengths=STRENGTHS) for pair in _folds(train)])
    )


def cross_validated_accuracy(
    train: Split, test: Split, *, strengths: Sequence[float] = STRENGTHS_BY_FOLDS
) -> float:
    """On the test split, ``C`` chosen by ten folds of the other."""
    by_fold = [_accuracies(*pair, strengths) for pair in _folds(train)]
    return _accuracy(train, test, strengths, np.mean(by_fold, axis=0))


def validated_accuracy(train: Split, dev: Split, test: Split) -> float:
    """On the test split, ``C`` chosen on dev."""
    return _accuracy(train, test, STRENGTHS, _accuracies(train, dev, STRENGTHS))


def _accuracy(
    train: Split, test: Split, strengths: Sequence[float], of_strengths: Accuracies
) -> float:
    """On the test split, with the strength that is best by ``of_strengths``."""
    best = strengths[int(np.round(100 * of_strengths, 2).argmax())]
    return float(_accuracies(train, test, [best])[0])


def _folds(split: Split) -> Iterator[tuple[Split, Split]]:
    """Each fold: what is trained on, and what is predicted.

    Raises StudyError where a label has fewer examples than there are folds.
    """
    rarest = int(np.unique(split.labels, return_counts=True)[1].min())
    if rarest < FOLDS:
        raise StudyError(f"a label has {rarest} examples to train, {FOLDS} folds need {FOLDS}")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(split.features, split.labels):
        yield split.at(train), split.at(test)


def _accuracies(train: Split, test: Split, strengths: Sequence[float]) -> Accuracies:
    """On the test split, at each strength, [p]."""
    # LogisticPath divides features by the root of their mean variance; C is for them as they are.
    variance = float(np.mean(np.var(train.features, axis=0, dtype=np.float64)))
    n_classes = int(max(train.labels.max(), test.labels.max())) + 1
    scaled = [variance * strength for strength in strengths]
    with single_blas_thread():
        path = LogisticPath(train.features, train.labels, n_classes, scaled, tolerance=TOLERANCE)
        predicted = path.log_probabilities(test.features).argmax(axis=2)
    return np.asarray((predicted == test.labels).mean(axis=1))
