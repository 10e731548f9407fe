"""A choice among candidates: the best of them, and what it scores where it was not chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.selection.splits import RowIndices
from poolwise.selection.tasks.task import Task
from poolwise.statistics.clusters import standard_error
from poolwise.statistics.cross_fit import CrossFit, cross_fit
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference
from poolwise.statistics.pseudo_values import estimate

Array = NDArray[np.float64]


class Candidates(Protocol):
    """What a choice reads of a ``Selection``, whose properties these are."""

    @property
    def task(self) -> Task: ...
    @property
    def row_scores(self) -> Array: ...
    @property
    def choice_rows(self) -> RowIndices: ...
    @property
    def report_scores(self) -> Array: ...
    @property
    def report_groups(self) -> RowIndices: ...
    @property
    def report_rows(self) -> RowIndices: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def scores(self) -> Sequence[Estimate]: ...
    def best_of(self, indices: Sequence[int]) -> int: ...
    def differences_from(self, index: int) -> Sequence[Difference]: ...


@dataclass(frozen=True)
class Choice:
    """The best of the candidates ``indices`` of a selection, by their scores on its rows.

    Where the data declare a test split, its score is read there. Else it is cross-fitted: the
    choice is made without each fold and scored inside it, so that it is not too good for having
    been chosen; the interval adds what the choice leaves open.
    """

    selection: Candidates
    indices: Sequence[int]

    @cached_property
    def index(self) -> int:
        """The candidate of the highest score. Raises StudyError where none has a score."""
        if len(self.indices) == 1:
            return self.indices[0]
        return self.selection.best_of(self.indices)

    @cached_property
    def cross_fit(self) -> CrossFit:
        """The choice without each fold. Its frequencies are by candidate of ``indices``."""
        selection = self.selection
        rows = selection.choice_rows
        clusters = selection.task.folds.clusters[rows]
        return cross_fit(selection.row_scores[rows][:, list(self.indices)], clusters)

    @cached_property
    def score(self) -> Estimate:
        """What it scores on rows that it was not chosen on."""
        selection = self.selection
        if selection.task.folds.has_test:
            return selection.scores[self.index]
        column = selection.report_scores[:, self.index]
        moved = self._recentred(column, self.cross_fit.value)
        strata = selection.task.strata
        labels = None if strata is None else strata[selection.report_rows]
        return estimate(moved, selection.task.scale, selection.report_groups, labels)

    def difference_from(self, other: int) -> Difference:
        """That score less candidate ``other``'s on the same rows."""
        return self.less(Choice(self.selection, [other]))

    def less(self, other: Choice) -> Difference:
        """That score less another choice's; undefined where both are the same candidate."""
        selection = self.selection
        if other.index == self.index:
            return Difference(Estimate.constant(), np.nan)
        if selection.task.folds.has_test:
            return selection.differences_from(other.index)[self.index]
        scores = selection.report_scores
        difference = scores[:, self.index] - scores[:, other.index]
        if not np.isfinite(difference).all():
            return Difference(Estimate.constant(), np.nan)
        value = self.cross_fit.value - other.cross_fit.value
        own_error, degrees = self._error(difference)
        error = float(np.hypot(own_error, np.hypot(self.cross_fit.spread, other.cross_fit.spread)))
        p = float(2 * t.sf(abs(value) / error, degrees)) if error else float(value == 0)
        return Difference(Estimate.around(value, float(t.ppf(0.975, degrees)) * error), p)

    def _recentred(self, column: Array, value: float) -> Array:
        """Pseudo-values of mean ``value``, their spread widened by what the choice leaves open."""
        error, _ = self._error(column)
        spread = self.cross_fit.spread
        wider = float(np.hypot(error, spread)) / error if error else 1.0
        if wider == 1.0 and value == column.mean():
            return column
        return np.asarray(value + wider * (column - column.mean()))

    def _error(self, column: Array) -> tuple[float, float]:
        rows = (column - column.mean())[:, None]
        error, degrees = standard_error(rows, self.selection.report_groups)
        return float(error[0]), degrees
