"""Multinomial logistic regression, the probe that papers report: it confirms what ridge found."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]

STRENGTHS: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0)
"""scikit-learn's ``C``, for features of unit variance: the larger, the freer."""

ITERATIONS = 500


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
