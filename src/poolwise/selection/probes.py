"""Linear probes on labels, cross-fitted: each row is predicted by what was trained without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats
from poolwise.selection.folds import TEST, Folds
from poolwise.statistics.discriminant_path import DiscriminantPath
from poolwise.statistics.logistic_path import LogisticPath

Array = NDArray[np.float64]
Targets = NDArray[np.intp]

ProbeName = Literal["logistic regression", "discriminant"]

SCREEN_PENALTIES = (1e-3, 1e-2, 1e-1)


class Path(Protocol):
    """A probe trained at several penalties."""

    def log_probabilities(self, x: Floats | Array) -> Floats | Array:
        """Of rows [m, d] for each label, at each penalty, [p, m, k]."""
        ...


def _discriminant(x: Floats | Array, y: Targets, n_classes: int) -> Path:
    return DiscriminantPath(x, y, n_classes, SCREEN_PENALTIES)


def _logistic(x: Floats | Array, y: Targets, n_classes: int) -> Path:
    return LogisticPath(x, y, n_classes)


PROBES: Mapping[ProbeName, Callable[[Floats | Array, Targets, int], Path]] = {
    "logistic regression": _logistic,
    "discriminant": _discriminant,
}

Features = Callable[[NDArray[np.intp]], Callable[[Any], Floats | Array] | None]
"""Rows to fit on → the steps so fitted, which turn vectors into features; None where vectors lack
what a step needs."""

Predict = Callable[[Floats | Array], Floats | Array]
"""Features [m, d] → what is predicted of them at each penalty, [p, m, …]."""

Train = Callable[[Floats | Array, NDArray[np.intp]], tuple[Predict, Array | float]]
"""Features of the rows trained on, and the rows → how to predict, and what to say of a row without
features."""


def cross_fitted_log_probabilities(
    x: Floats | Array,
    targets: Targets,
    n_classes: int,
    *,
    folds: Folds,
    usable: NDArray[np.bool_],
    features: Features,
    probe: ProbeName,
) -> Array | None:
    """Log-probabilities of each row's labels, [n, k], from probes trained without its fold.

    ``x`` [n, d]. A fold's penalty is the one of the least loss on the rows outside it. A row that
    is not ``usable`` gets the labels' shares among the rows trained on. None where ``features``
    gives none.
    """

    def train(x: Floats | Array, rows: NDArray[np.intp]) -> tuple[Predict, Array]:
        path = PROBES[probe](x, targets[rows], n_classes)

        def predict(new: Floats | Array) -> Floats:
            """In float32: there are as many as rows times labels times penalties."""
            return np.asarray(path.log_probabilities(new), np.float32)

        return predict, _prior(targets[rows], n_classes)

    held_out = cross_fitted(x, folds, usable, features, train)
    if held_out is None:
        return None
    loss = -held_out[:, np.arange(len(targets)), targets].astype(np.float64)
    # A label that was never seen in training costs the same at every penalty.
    loss[~np.isfinite(loss)] = 0.0
    return of_best_penalties(held_out, loss, folds)


def cross_fitted(
    x: Floats | Array,
    folds: Folds,
    usable: NDArray[np.bool_],
    features: Features,
    train: Train,
) -> Floats | Array | None:
    """What is predicted of each row at each penalty, [p, n, …], by what was trained without its
    fold; None where ``features`` gives none."""
    held_out: Floats | Array | None = None
    for _, fitted, rows in folds.divisions():
        trained = fitted[usable[fitted]]
        apply = features(trained)
        if apply is None:
            return None
        predict, constant = train(apply(x[trained]), trained)
        predictions = predict(apply(x[rows]))
        if held_out is None:
            shape = (len(predictions), len(x), *predictions.shape[2:])
            held_out = np.empty(shape, predictions.dtype)
        held_out[:, rows] = predictions
        held_out[:, rows[~usable[rows]]] = constant
    assert held_out is not None
    return held_out


def _prior(targets: Targets, n_classes: int) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.bincount(targets, minlength=n_classes) / len(targets)))


def of_best_penalties(held_out: Floats | Array, losses: Array, folds: Folds) -> Array:
    """[n, …] from [p, n, …]: of each fold those of the least loss, of losses [p, n], on the rows
    outside it."""
    loss = np.where(folds.codes == TEST, 0.0, losses)
    total = loss.sum(axis=1)
    chosen = np.empty(held_out.shape[1:])
    for fold in np.unique(folds.codes).tolist():
        rows = folds.codes == fold
        chosen[rows] = held_out[int((total - loss[:, rows].sum(axis=1)).argmin()), rows]
    return chosen
