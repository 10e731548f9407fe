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
    held_out: Array | None = None
    for _, fitted, rows in folds.divisions():
        train = fitted[usable[fitted]]
        apply = features(train)
        if apply is None:
            return None
        path = PROBES[probe](apply(x[train]), targets[train], n_classes)
        scores = path.log_probabilities(apply(x[rows]))
        if held_out is None:
            held_out = np.empty((len(scores), len(x), n_classes), np.float32)
        held_out[:, rows] = scores
        held_out[:, rows[~usable[rows]]] = _prior(targets[train], n_classes)
    assert held_out is not None
    return _of_best_penalties(held_out, targets, folds)


def _prior(targets: Targets, n_classes: int) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.bincount(targets, minlength=n_classes) / len(targets)))


def _of_best_penalties(held_out: Array, targets: Targets, folds: Folds) -> Array:
    """[n, k] from [p, n, k]: of each fold those of the least loss on the rows outside it."""
    loss = -held_out[:, np.arange(len(targets)), targets].astype(np.float64)
    # A label that was never seen in training costs the same at every penalty.
    loss[~np.isfinite(loss)] = 0.0
    loss[:, folds.codes == TEST] = 0.0
    total = loss.sum(axis=1)
    chosen = np.empty(held_out.shape[1:])
    for fold in np.unique(folds.codes).tolist():
        rows = folds.codes == fold
        chosen[rows] = held_out[int((total - loss[:, rows].sum(axis=1)).argmin()), rows]
    return chosen
