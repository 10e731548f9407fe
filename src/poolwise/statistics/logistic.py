"""Multinomial logistic regression, the probe that papers report: it confirms what ridge found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from poolwise.statistics.clusters import factorize
from poolwise.statistics.folds import assign_folds

Array = NDArray[np.float64]

STRENGTHS: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0)
"""scikit-learn's ``C``, for features of unit variance: the larger, the freer."""

ITERATIONS = 500

_FOLDS = 5

_JUDGED = 1000
"""Rows held out that are enough to choose a strength; small data need every fold for them."""


@dataclass(frozen=True, slots=True)
class LogisticResult:
    """``predicted`` [n]: the label of each held-out row. ``note`` says what was not as it should.

    ``strength`` is the ``C`` chosen; ``converged`` whether the solver came to its end.
    """

    predicted: NDArray[np.generic]
    strength: float
    converged: bool

    @property
    def note(self) -> str:
        return "" if self.converged else f"not converged after {ITERATIONS} iterations"


def logistic_probe(
    x: ArrayLike,
    y: ArrayLike,
    held_out: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> LogisticResult:
    """Train on rows x [n, d] with labels y [n]; predict the rows ``held_out`` [m, d].

    Features are standardised on the rows trained on. The strength is the one that is right most
    often on held-out fifths of the training rows, the smallest of equals: of all five of them, or
    of as many as make a thousand rows. Rows of one of the ``groups`` [n] are held out together.
    ValueError if all labels are the same.
    """
    features, labels = np.asarray(x, np.float64), np.asarray(y)
    if len(np.unique(labels)) < 2:
        raise ValueError(f"{len(labels)} rows with one label; a classifier needs two labels")
    fold = assign_folds(
        np.arange(len(labels)) if groups is None else factorize(groups), _FOLDS, seed
    )
    n_folds = min(_FOLDS, int(np.ceil(_JUDGED * _FOLDS / len(labels))))
    rising = sorted(strengths)
    hits = np.zeros(len(rising))
    for out in [fold == i for i in range(n_folds)]:
        if out.any() and not out.all():
            for i, strength in enumerate(rising):
                model = LogisticModel(features[~out], labels[~out], strength)
                hits[i] += np.sum(model.predict(features[out]) == labels[out])
    chosen = rising[int(hits.argmax())]
    model = LogisticModel(features, labels, chosen)
    return LogisticResult(model.predict(np.asarray(held_out, np.float64)), chosen, model.converged)


class LogisticModel:
    """scikit-learn's, standardised, for any training rows: of one label, that label is predicted.

    ``classes`` [k] are the labels seen, in order.
    """

    def __init__(self, x: Array, y: NDArray[np.generic], strength: float) -> None:
        self.classes = np.unique(y)
        self.converged = True
        self._pipeline: Pipeline | None = None
        if len(self.classes) > 1:
            self._pipeline = make_pipeline(
                StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS)
            )
            self.converged = _fits(self._pipeline, x, y)

    def probabilities(self, x: Array) -> Array:
        """Of each of ``classes`` for rows [n, d], [n, k]."""
        if self._pipeline is None:
            return np.ones((len(x), 1))
        return np.asarray(self._pipeline.predict_proba(x), np.float64)

    def predict(self, x: Array) -> NDArray[np.generic]:
        """The likeliest label of rows [n, d], [n]."""
        return np.asarray(self.classes[self.probabilities(x).argmax(axis=1)])


def _fits(pipeline: Pipeline, x: Array, y: NDArray[np.generic]) -> bool:
    """Train; whether the solver converged. Any other warning is passed on.

    One thread: the products are small, and threads that wait for each other cost more than they
    bring wherever something else runs.
    """
    with warnings.catch_warnings(record=True) as seen, threadpool_limits(1):
        warnings.simplefilter("always")
        # Few rows of many labels are what a code's first blocks are made of.
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        pipeline.fit(x, y)
    stopped = [issubclass(w.category, ConvergenceWarning) for w in seen]
    for w, known in zip(seen, stopped, strict=True):
        if not known:
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    return not any(stopped)
