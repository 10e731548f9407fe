"""How well labels are predicted: accuracy and the scores that imbalance does not deceive.

Each is ``(value, influence)``. A row's influence is n times the derivative of the value in the
row's weight, [n] with mean 0: through its own hit or miss, and through the number of rows of its
label. A row's pseudo-value is the value plus its influence. The values are scikit-learn's. Both are
NaN where the score is undefined, as all but accuracy are while every row has the same label.

``predictions`` are the labels [n], or what ranks them: log-probabilities or decision scores [n, k],
a column a label. ``targets`` [n] are the true labels, numbers from 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolwise.statistics.rankings import areas_under_curve
from poolwise.statistics.rankings import average_precisions as _average_precisions

Array = NDArray[np.float64]
Labels = NDArray[np.intp]
Score = tuple[float, Array]


def accuracy(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Share of rows whose label is predicted."""
    predicted, true = _labels(predictions, targets)
    hits = (predicted == true).astype(np.float64)
    value = float(hits.mean())
    return value, hits - value


def balanced_accuracy(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Mean of the labels' recalls, over the labels that occur in ``targets``."""
    predicted, true = _labels(predictions, targets)
    rows = np.bincount(true)
    labels = np.count_nonzero(rows)
    if labels < 2:
        return _undefined(len(true))
    hits = (predicted == true).astype(np.float64)
    recall = np.bincount(true, weights=hits) / np.maximum(rows, 1)
    influence = (hits - recall[true]) * len(true) / rows[true] / labels
    return float(recall.sum() / labels), influence


def macro_f1(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Mean of the labels' F1, over the labels that occur in ``targets`` or are predicted."""
    predicted, true = _labels(predictions, targets)
    size = int(max(predicted.max(), true.max())) + 1
    rows = np.bincount(true, minlength=size)
    either = rows + np.bincount(predicted, minlength=size)
    labels = np.count_nonzero(either)
    if np.count_nonzero(rows) < 2:
        return _undefined(len(true))
    hits = (predicted == true).astype(np.float64)
    either = np.maximum(either, 1)
    f1 = 2 * np.bincount(true, weights=hits, minlength=size) / either
    moved = (2 * hits - f1[true]) / either[true] - f1[predicted] / either[predicted]
    return float(f1.sum() / labels), moved * len(true) / labels


def weighted_f1(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Mean of the labels' F1, each weighted by its rows.

    The F1 of a label with h hits among s rows that have it and p that are predicted it is
    2 h / (s + p).
    """
    predicted, true = _labels(predictions, targets)
    size = int(max(predicted.max(), true.max())) + 1
    rows = np.bincount(true, minlength=size)
    either = np.maximum(rows + np.bincount(predicted, minlength=size), 1)
    hit = (predicted == true).astype(np.float64)
    hits = np.bincount(true, weights=hit, minlength=size)
    f1, loss = 2 * hits / either, 2 * rows * hits / either**2
    value = float((rows * f1).sum() / len(true))
    moved = f1[true] + rows[true] * 2 * hit / either[true] - loss[true] - loss[predicted]
    return value, moved - value


def auc(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Area under the ROC curve; ties count half.

    Of two labels by the score of the second; of more the mean of each against the rest, over those
    that occur.
    """
    scores, true = _scores(predictions, targets)
    columns = np.array([1]) if scores.shape[1] == 2 else np.unique(true)
    return _ranked(areas_under_curve, scores, true, columns)


def average_precision(predictions: ArrayLike, targets: ArrayLike) -> Score:
    """Mean precision at the rank of each row of a label.

    Of two labels that of the rarer (the second where they are even); of more the mean over those
    that occur.
    """
    scores, true = _scores(predictions, targets)
    rarer = np.array([int(2 * np.count_nonzero(true == 1) <= len(true))])
    columns = rarer if scores.shape[1] == 2 else np.unique(true)
    return _ranked(_average_precisions, scores, true, columns)


def _ranked(
    score: Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]],
    scores: Array,
    true: Labels,
    columns: Labels,
) -> Score:
    """The mean over the labels ``columns`` of how the score ranks the rows of each."""
    if len(np.unique(true)) < 2:
        return _undefined(len(true))
    values, derivatives = score(scores.T[columns], true == columns[:, None])
    return float(values.mean()), derivatives.mean(axis=0) * len(true)


def _labels(predictions: ArrayLike, targets: ArrayLike) -> tuple[Labels, Labels]:
    predicted = np.asarray(predictions)
    if predicted.ndim == 2:
        predicted = predicted.argmax(axis=1)
    return predicted.astype(np.intp), _targets(targets, len(predicted))


def _scores(predictions: ArrayLike, targets: ArrayLike) -> tuple[Array, Labels]:
    scores = np.asarray(predictions, np.float64)
    if scores.ndim != 2:
        raise ValueError(f"scores of {scores.shape}; expected [n, k], a column for each label")
    true = _targets(targets, len(scores))
    if true.max() >= scores.shape[1]:
        raise ValueError(f"label {true.max()}, but scores for {scores.shape[1]} labels")
    return scores, true


def _targets(targets: ArrayLike, n: int) -> Labels:
    true = np.asarray(targets).astype(np.intp)
    if true.shape != (n,) or not n:
        raise ValueError(f"targets of {true.shape} for {n} rows")
    return true


def _undefined(n: int) -> Score:
    return float("nan"), np.full(n, np.nan)
