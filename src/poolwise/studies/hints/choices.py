"""What each score without labels would have chosen, and what labels say of that choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.selection.selection import Selection
from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.max_t import LEVEL, max_t
from poolwise.statistics.paired import Difference
from poolwise.statistics.rank_agreement import rank_correlation, upper_less_lower
from poolwise.studies.hints.values import ScoreTable

Array = NDArray[np.float64]

AS_POOLED = "as pooled"
EVERY = "all readouts"


@dataclass(frozen=True)
class HintChoice:
    """What one score, or control, would have chosen among the readouts ``among``.

    ``indices`` are the readouts of the highest value: where several tie, one of them at random.
    ``against_used`` is their score less that of the readout used now, ``against_best`` less that of
    the readout chosen by labels, on rows that this was not chosen on. ``p_better`` and ``p_worse``
    are of a difference from the readout used now, corrected for all choices and both directions.
    ``upper_less_lower``: mean score of the readouts that it ranks in the upper half less that of
    the lower half. ``agreement``: Spearman's rho of its order with that by labels, None where one
    is constant.
    """

    name: str
    among: str
    indices: Sequence[int]
    control: bool
    against_used: Difference
    against_best: Difference
    upper_less_lower: Difference
    agreement: float | None
    p_better: float = 1.0
    p_worse: float = 1.0

    @property
    def better(self) -> bool:
        """Whether the choice is shown to score higher than the readout used now."""
        return self.p_better <= LEVEL

    @property
    def worse(self) -> bool:
        return self.p_worse <= LEVEL


def hint_choices(selection: Selection, table: ScoreTable) -> list[HintChoice]:
    """Of every score and control, among the readouts as pooled, then among all."""
    choices = [
        choice
        for among, indices in _sets(selection).items()
        for choice in _choices(selection, table, among, indices)
    ]
    return _tested(selection, choices)


def _sets(selection: Selection) -> dict[str, list[int]]:
    """The readouts that have a score: those without a step that learns, which are comparable, for
    whitening makes any vectors isotropic; and all."""
    columns = selection.report_scores.T[: len(selection.readouts)]
    every = [i for i, column in enumerate(columns) if np.isfinite(column).all()]
    pooled = [i for i in every if not selection.readouts[i].needs_fit]
    return {AS_POOLED: pooled} if len(pooled) == len(every) else {AS_POOLED: pooled, EVERY: every}


def _choices(
    selection: Selection, table: ScoreTable, among: str, indices: Sequence[int]
) -> Iterator[HintChoice]:
    scores, best = selection.report_scores, _best_scores(selection)
    for row, name in enumerate(table.names):
        values = np.asarray(table.values[row])
        defined = [i for i in indices if not np.isnan(values[i])]
        if not defined:
            continue
        highest = values[defined].max()
        chosen = [i for i in defined if values[i] == highest]
        column = scores[:, chosen].mean(axis=1)
        yield HintChoice(
            name,
            among,
            chosen,
            row >= table.n_scores,
            _mean(selection, column - scores[:, selection.reference]),
            _mean(selection, column - best, _spread(selection)),
            _halves(selection, values, defined),
            rank_correlation(values[defined], scores[:, defined].mean(axis=0)),
        )


def _halves(selection: Selection, values: Array, indices: Sequence[int]) -> Difference:
    weights = upper_less_lower(values[indices])
    if weights is None:
        return Difference(Estimate.constant(), np.nan)
    return _mean(selection, selection.report_scores[:, indices] @ weights)


def _best_scores(selection: Selection) -> Array:
    """Of the rows, by the readout chosen by labels: without each row's fold, unless the data
    declare a test split."""
    best = selection.choice
    if selection.task.folds.has_test:
        return np.asarray(selection.report_scores[:, best.index])
    return best.cross_fit.scores


def _spread(selection: Selection) -> float:
    """What the choice by labels leaves open."""
    return 0.0 if selection.task.folds.has_test else selection.choice.cross_fit.spread


def _mean(selection: Selection, rows: Array, spread: float = 0.0) -> Difference:
    value = float(rows.mean())
    errors, degrees = standard_error((rows - value)[:, None], selection.report_groups)
    error = float(np.hypot(errors[0], spread))
    p = float(2 * t.sf(abs(value) / error, degrees)) if error else float(value == 0)
    return Difference(Estimate.around(value, float(t.ppf(0.975, degrees)) * error), p)


def _tested(selection: Selection, choices: Sequence[HintChoice]) -> list[HintChoice]:
    if not choices:
        return []
    scores = selection.report_scores
    columns = np.column_stack([scores[:, choice.indices].mean(axis=1) for choice in choices])
    moved = columns - scores[:, [selection.reference]]
    changes = moved.mean(axis=0)
    both, influences = np.concatenate([changes, -changes]), moved - changes
    tests = max_t(both, np.hstack([influences, -influences]), selection.report_groups)
    better, worse = np.split(tests.p, 2)
    return [
        replace(choice, p_better=float(b), p_worse=float(w))
        for choice, b, w in zip(choices, better, worse, strict=True)
    ]
