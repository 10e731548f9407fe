"""A selection on some of its rows: the same rule, as if the others were declared test.

And the same task with other folds, for what is trained anew.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poolwise.selection.candidates import Candidate
from poolwise.selection.folds import TEST, Folds
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.selection.tasks.task import Task

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

N_DRAWS = 2000
"""Of the largest t, for a choice that is made hundreds of times: the standard error of a p-value of
0.05 is 0.005."""

TRAINED = (LabelsTask, RegressionTask)
"""Tasks that train a probe."""


def row_scores(task: Task, candidate: Candidate) -> Array:
    """The candidate's pseudo-values on the task, [n]."""
    readout, cache = candidate.readout, candidate.cache
    return task.row_scores(cache, cache[str(readout.pooled)], readout)


def with_folds(task: Task, folds: Folds) -> Task:
    """The same task with its rows divided otherwise."""
    other = copy(task)
    other.folds = folds
    return other


def chosen_on(selection: Selection, rows: Mask) -> Selection:
    """The selection among the same candidates that is made on ``rows`` bool [n] alone, and reported
    on the other rows. The pseudo-values stay as they are."""
    folds = selection.task.folds
    codes = np.where(rows & (folds.codes != TEST), folds.codes, TEST)
    task = with_folds(selection.task, replace(folds, codes=codes))
    return replace(selection, task=task, n_draws=N_DRAWS)
