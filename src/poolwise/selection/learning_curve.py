"""The choice by the number of rows: what it scores when made on 50, 100, 200, … of them.

The rows that a choice is made on are a sample; another is drawn ``DRAWS`` times, of whole clusters,
each size within the next larger. Where a probe is trained, it is trained anew on the sample alone,
its penalty chosen there, and scored on rows that it was not trained on; where nothing is trained
the scores of rows are those of all. A choice is scored on a fold that it was made without, so every
row has a score at every size, and the last size is that of the selection itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from poolwise.progress import Progress
from poolwise.selection.folds import cluster_places
from poolwise.selection.row_samples import TRAINED, chosen_on, row_scores, with_folds
from poolwise.selection.selection import Selection
from poolwise.statistics.clusters import standard_error
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DRAWS = 3
"""Samples of each size but the last."""

CONTENDERS = 3
"""Readouts of the highest scores on a sample that a probe is trained for, besides those that the
curves show."""

SEEDS = 2000
"""Between the seeds of folds and those of samples."""


@dataclass(frozen=True)
class CurvePoint:
    """The scores of every row reported on when ``n`` rows are learned from, by draw.

    ``choice``, ``reference`` and ``best`` [draws, rows]: of the choice made on the sample, of the
    readout in use, of the highest on all rows. ``chosen``: the readouts chosen, by draw and fold.
    """

    n: int
    choice: Array
    reference: Array
    best: Array
    chosen: Sequence[int]


def _point(n: int, draws: Sequence[CurvePoint]) -> CurvePoint:
    """Of several draws of one size."""
    return CurvePoint(
        n,
        np.concatenate([draw.choice for draw in draws]),
        np.concatenate([draw.reference for draw in draws]),
        np.concatenate([draw.best for draw in draws]),
        [i for draw in draws for i in draw.chosen],
    )


@dataclass(frozen=True)
class LearningCurves:
    """``points`` by size; ``groups`` and ``folds`` of their rows."""

    selection: Selection
    points: Sequence[CurvePoint]

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        return self.selection.report_groups

    @cached_property
    def folds(self) -> NDArray[np.intp]:
        return self.selection.task.folds.codes[self.selection.report_rows]

    def difference(self, scores: Array, other: Array | float = 0.0) -> Difference:
        """The mean over draws [draws, rows] of scores less others, with the interval over rows and
        draws."""
        return mean_over_draws(scores - other, self.groups, self.folds)


def mean_over_draws(scores: Array, groups: NDArray[np.intp], folds: NDArray[np.intp]) -> Difference:
    """The mean of scores [draws, rows], and the p-value of its being zero.

    Its variance is that of the rows' mean scores by cluster, and of the draws: what the mean of a
    fold varies by from draw to draw.
    """
    value = float(scores.mean())
    if not np.isfinite(value):
        return Difference(Estimate.constant(), np.nan)
    column = scores.mean(axis=0)
    error, degrees = standard_error((column - value)[:, None], groups)
    draws, extra = len(scores), 0.0
    if draws > 1:
        for fold in np.unique(folds):
            rows = folds == fold
            extra += rows.mean() ** 2 * float(scores[:, rows].mean(axis=1).var(ddof=1)) / draws
    total = float(np.sqrt(error[0] ** 2 + extra))
    if extra:
        n_folds = len(np.unique(folds))
        parts = error[0] ** 4 / degrees + extra**2 / (n_folds * (draws - 1))
        degrees = float(total**4 / parts)
    p = float(2 * t.sf(abs(value) / total, degrees)) if total else float(value == 0)
    return Difference(Estimate.around(value, float(t.ppf(0.975, degrees)) * total), p)


def sizes(selection: Selection) -> list[int]:
    """50, 100, 200, 500, … below the rows that the selection itself learned from, and these."""
    n = len(selection.choice_rows)
    last = n if selection.task.folds.has_test else n * 4 // 5
    steps = [m * 10**k for k in range(1, 7) for m in (1, 2, 5)]
    return [*(size for size in steps if 50 <= size <= last / 1.25), last]


def learning_curves(
    selection: Selection, *, seed: int = 0, progress: bool = False
) -> LearningCurves:
    """Train, choose and score at every size."""
    counts = sizes(selection)
    bar = Progress(
        f"learning curve of {selection.task.name}", (len(counts) - 1) * DRAWS + 1, show=progress
    )
    points = []
    with bar:
        for n in counts:
            whole = n == counts[-1]
            samples = [None] if whole else [_sample(selection, n, seed + k) for k in range(DRAWS)]
            draws = []
            for sample in samples:
                draws.append(_draw(selection, n, sample))
                bar.advance(1)
            points.append(_point(n, draws))
    return LearningCurves(selection, points)


def _sample(selection: Selection, n: int, seed: int) -> Mask:
    """Rows to learn from, bool [rows of the task]: as many that, without a fold, n are left."""
    rows, folds = selection.choice_rows, selection.task.folds
    codes = np.unique(folds.clusters[rows], return_inverse=True)[1]
    count = n if folds.has_test else n * 1.25
    sample = np.zeros(len(selection.row_scores), np.bool_)
    sample[rows[cluster_places(codes, seed + SEEDS) < count]] = True
    return sample


def _draw(selection: Selection, n: int, sample: Mask | None) -> CurvePoint:
    """Of one draw; of all rows where ``sample`` is None."""
    candidates = selection if sample is None else _trained(selection, sample)
    learned = np.ones(len(selection.row_scores), np.bool_) if sample is None else sample
    folds, reported = selection.task.folds, selection.report_rows
    choice, chosen = np.full(len(learned), np.nan), []
    for fold in np.unique(folds.codes[reported]).tolist():
        made = chosen_on(candidates, learned & (folds.codes != fold))
        rows = folds.codes == fold
        choice[rows] = candidates.row_scores[rows, made.chosen_index]
        chosen.append(made.chosen_index)
    scores = candidates.row_scores
    reference, best = scores[:, selection.reference], scores[:, selection.best_index]
    return CurvePoint(
        n, choice[None, reported], reference[None, reported], best[None, reported], chosen
    )


def _trained(selection: Selection, sample: Mask) -> Selection:
    """The selection with probes that are trained on the sample alone, of the readouts that score
    highest on its rows; the others take part in corrections with the scores that they have."""
    if not isinstance(selection.task, TRAINED):
        return selection
    c = len(selection.readouts)
    means = selection.row_scores[sample, :c].mean(axis=0)
    highest = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")[:CONTENDERS].tolist()
    indices = list(dict.fromkeys([selection.reference, selection.best_index, *highest]))
    task = with_folds(selection.task, replace(selection.task.folds, sample=sample))
    scores = np.full_like(selection.row_scores, np.nan)
    for i in indices:
        scores[:, i] = row_scores(task, selection.candidates[i])
    screen = selection.row_scores[:, :c] if selection.screen is None else selection.screen
    return replace(selection, row_scores=scores, screen=screen)
