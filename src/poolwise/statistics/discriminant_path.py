"""A penalised linear discriminant at several penalties, from one decomposition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.special import log_softmax

from poolwise.statistics.ridge import PENALTIES

Array = NDArray[np.float64]


class DiscriminantPath:
    """Trained on rows x [n, d] with labels y [n] of 0 … ``n_classes`` − 1, at each penalty.

    As ``Discriminant``: Gaussians of one covariance within labels, to which the penalty is added
    (Hastie, Buja & Tibshirani 1995, "Penalized Discriminant Analysis"). A penalty is relative to
    the features' mean variance. Labels that no row has are never predicted. Products with the rows
    are float32.
    """

    def __init__(
        self,
        x: ArrayLike,
        y: NDArray[np.intp],
        n_classes: int,
        penalties: Sequence[float] = PENALTIES,
    ) -> None:
        rows = np.asarray(x)
        counts = np.bincount(y, minlength=n_classes)
        self._seen, self._n_classes = np.flatnonzero(counts), n_classes
        self._mean: Array = rows.mean(axis=0, dtype=np.float64)
        centred = (rows - self._mean).astype(np.float32)
        one_hot = (y[:, None] == self._seen).astype(np.float32)
        shares = counts[self._seen] / len(y)
        means = (centred.T @ one_hot).astype(np.float64) / counts[self._seen]
        covariance = (centred.T @ centred).astype(np.float64) / len(y)
        scale = float(np.trace(covariance)) / len(covariance) or 1.0
        added = [penalty * scale for penalty in penalties]
        self._rules = [_rule(slopes, means, shares) for slopes in _slopes(covariance, means, added)]

    def log_probabilities(self, x: ArrayLike) -> NDArray[np.float32]:
        """Of rows [m, d] for each label, at each penalty, [p, m, n_classes]."""
        rows = (np.asarray(x) - self._mean).astype(np.float32)
        scores = np.full((len(self._rules), len(rows), self._n_classes), -np.inf, np.float32)
        for at_penalty, (weights, bias) in zip(scores, self._rules, strict=True):
            logits = rows @ weights.astype(np.float32) + bias.astype(np.float32)
            at_penalty[:, self._seen] = log_softmax(logits, axis=1)
        return scores


def _slopes(covariance: Array, means: Array, added: Sequence[float]) -> Iterator[Array]:
    """(covariance + a)⁻¹ means for each a, [d, k]: of several by one decomposition."""
    if len(added) == 1:
        covariance[np.diag_indices_from(covariance)] += added[0]
        yield cho_solve(cho_factor(covariance, check_finite=False), means)
        return
    values, axes = eigh(covariance, driver="evd", overwrite_a=True, check_finite=False)
    along = axes.T @ means
    for a in added:
        yield axes @ (along / (values.clip(min=0) + a)[:, None])


def _rule(slopes: Array, means: Array, shares: Array) -> tuple[Array, Array]:
    """Weights [d, k] and biases [k] for rows less their mean."""
    # Woodbury: the inverse of the covariance within labels from that of the whole.
    between = np.eye(len(shares)) - (means.T @ slopes) * shares
    weights = np.asarray(np.linalg.solve(between, slopes.T).T, np.float64)
    bias: Array = np.log(shares) - np.sum(means * weights, axis=0) / 2
    return weights, bias
