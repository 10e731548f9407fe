"""The task of pairs that are a match or none: do the cosines of matches rank above the others?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.task import PairsTask, separate_rows
from poolwise.statistics.estimate import is_constant
from poolwise.statistics.pseudo_values import Scale
from poolwise.statistics.rankings import average_precisions
from poolwise.statistics.threshold_scores import accuracy_threshold, binary_f1, f1_threshold
from poolwise.texts import TextPairs

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def accuracy(called: Flags, positive: Flags) -> tuple[float, Array]:
    """Share of pairs that are called right, and each one's influence on it, [n]."""
    right = (called == positive).astype(np.float64)
    return float(right.mean()), right - right.mean()


Threshold = Callable[[Array, Flags], float]
Decided = Callable[[Flags, Flags], tuple[float, Array]]

THRESHOLD_SCORES: Mapping[str, tuple[Threshold, Decided]] = {
    "F1 at the best threshold": (f1_threshold, binary_f1),
    "accuracy at the best threshold": (accuracy_threshold, accuracy),
}
"""How a threshold is chosen on cosines and matches, and the score of what lies above it."""


def is_match_or_not(pairs: TextPairs) -> bool:
    """Whether the pairs' scores take two values, of which the higher is a match."""
    return len(np.unique(pairs.scores)) == 2


class PairClassificationTask(PairsTask):
    """Average precision of the cosine for the pairs of the higher of two scores, the matches.

    It is ``cosine_ap`` of sentence-transformers' BinaryClassificationEvaluator and of MTEB's pair
    classification.
    """

    score = "average precision"
    scale: Scale = "share"

    def __init__(self, pairs: TextPairs, seed: int) -> None:
        """Raises StudyError where the scores do not take two values."""
        _check(pairs)
        self.positive: Flags = pairs.scores == pairs.scores.max()
        super().__init__(pairs, seed)
        low, high = np.unique(pairs.scores).tolist()
        self.notes = [
            f"the scores take two values, {low:g} and {high:g}: a pair of {high:g} is a match, and "
            f"{self.positive.mean():.0%} of the pairs are; the task similarity correlates "
            "cosines with the scores instead",
            *self.notes,
        ]

    @property
    def strata(self) -> RowIndices:
        """Whether each pair is a match, 1 or 0, [n]."""
        return np.asarray(self.positive, np.intp)

    def chance_scores(self) -> Array:
        """The share of matches, which is the average precision of a random order."""
        return np.asarray(self.positive, np.float64)

    def pseudo_values(self, cosines: Array) -> Array:
        """Of average precision, [n], for the rows chosen and reported on separately."""
        return self.scores_by(cosines, self.positive)

    def scores_by(self, cosines: Array, positive: Flags) -> Array:
        """The same with other matches, bool [n]."""
        values = np.full(len(self), np.nan)
        for rows in separate_rows(self.folds):
            usable = rows[np.isfinite(cosines[rows])]
            if is_constant(cosines[usable]) or is_constant(positive[usable]):
                continue
            value, moved = average_precisions(cosines[None, usable], positive[None, usable])
            values[usable] = value[0] + moved[0] * len(usable)
        return values

    def threshold_scores(self, name: str, cosines: Array) -> Array:
        """The pseudo-values of one of the ``THRESHOLD_SCORES``, [n]: each fold's threshold is the
        best of the rows outside it."""
        threshold, score = THRESHOLD_SCORES[name]
        called, usable = np.zeros(len(self), np.bool_), np.isfinite(cosines)
        for _, fitted, rows in self.folds.divisions():
            known = fitted[usable[fitted]]
            called[rows] = cosines[rows] > threshold(cosines[known], self.positive[known])
        values = np.full(len(self), np.nan)
        for part in separate_rows(self.folds):
            rows = part[usable[part]]
            value, influence = score(called[rows], self.positive[rows])
            values[rows] = value + influence
        return values


def _check(pairs: TextPairs) -> None:
    different = np.unique(pairs.scores)
    if len(different) == 1:
        raise StudyError(
            f"{pairs.name}: all pairs have the score {different[0]:g}; pair classification needs "
            "two values, of which the higher is a match: add pairs that are none"
        )
    if not is_match_or_not(pairs):
        raise StudyError(
            f"{pairs.name}: the scores take {len(different):,} values, such as {different[0]:g}, "
            f"{different[1]:g} and {different[-1]:g}; pair classification needs two, of which the "
            "higher is a match. Ask similarity instead: it correlates cosines with the scores"
        )
