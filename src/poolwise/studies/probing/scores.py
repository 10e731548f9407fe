"""The scores of one task: its readouts, its controls, and what the best readout's vectors hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from poolwise.selection.choice import Choice
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.codelength import Codelength, codelength
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference, mean_differences, mean_estimates
from poolwise.statistics.selectivity import selectivity
from poolwise.studies.probing.controls import (
    MAJORITY,
    UNTRAINED,
    first_word_targets,
    shuffled_targets,
)
from poolwise.studies.probing.probes import Array, probe_hits, task_vectors

CONTROL_TASKS = 5
"""Each draws other labels for the same first words."""

MAX_CODED_LABELS = 100
"""An online code trains logistic regressions block by block; their time grows with the labels."""

MAX_CODED_ROWS = 6000
"""And with the rows."""


@dataclass(frozen=True)
class ProbingScores:
    """One task's accuracies. The columns of ``selection`` are readouts, then controls.

    ``shuffled_hits`` [n]: whether the best readout's probe predicts each row's label when labels
    are shuffled. ``first_word_hits`` [n]: the share of control tasks in which it predicts the label
    drawn for the row's first word. ``code`` is the online code of the labels of the rows chosen on,
    given the best readout's vectors; None where there are too many labels.
    """

    task: LabelsTask
    selection: Selection
    shuffled_hits: Array
    first_word_hits: Array
    code: Codelength | None

    @cached_property
    def best_readout(self) -> Choice:
        """The readout of the highest score."""
        return self.selection.choice

    @property
    def controls(self) -> range:
        """The columns of the controls."""
        return range(len(self.selection.readouts), len(self.selection.names))

    @cached_property
    def best_control(self) -> Choice:
        """The control of the highest score."""
        return self.best(self.controls)

    def best(self, columns: Sequence[int]) -> Choice:
        """The column of the highest score, chosen without the rows it is reported on."""
        return Choice(self.selection, columns)

    @property
    def most_frequent(self) -> Choice:
        """The control that always predicts the most frequent label."""
        return self.best([self.majority])

    @property
    def majority(self) -> int:
        """The column of the control that always predicts the most frequent label."""
        return self.selection.names.index(MAJORITY)

    @property
    def untrained(self) -> list[int]:
        """The columns of the re-initialised encoder's readouts."""
        return self.controls_named(UNTRAINED)

    def controls_named(self, prefix: str) -> list[int]:
        """The columns of controls whose name has this prefix."""
        return [i for i in self.controls if self.selection.names[i].startswith(prefix)]

    def in_layer(self, layer: int) -> list[int]:
        """The columns of readouts of this layer."""
        depth = self.selection.encoder.depth
        readouts = enumerate(self.selection.readouts)
        return [i for i, readout in readouts if readout.layer_indices(depth) == (layer,)]

    def of_pool(self, pool: str) -> list[int]:
        """The columns of readouts of this pool."""
        readouts = enumerate(self.selection.readouts)
        return [i for i, readout in readouts if str(readout.pool) == pool]

    @cached_property
    def gains(self) -> Sequence[Difference]:
        """Every column's accuracy less that of the most frequent label."""
        return self.selection.differences_from(self.majority)

    @cached_property
    def shuffled_accuracy(self) -> Estimate:
        """Accuracy on shuffled labels."""
        return self._accuracy(self.shuffled_hits)

    @cached_property
    def shuffled_gain(self) -> Difference:
        """Accuracy on shuffled labels less that of always predicting the most frequent label."""
        rows = self.selection.report_rows
        columns = [self.selection.row_scores[rows, self.majority], self.shuffled_hits[rows]]
        return mean_differences(np.column_stack(columns), 0, self.task.groups[rows])[1]

    @cached_property
    def first_word_accuracy(self) -> Estimate:
        """Mean accuracy on the control tasks."""
        return self._accuracy(self.first_word_hits)

    @cached_property
    def selectivity(self) -> Difference:
        """Accuracy less accuracy on the control tasks."""
        rows = self.selection.report_rows
        hits = self.selection.row_scores[rows, self.best_readout.index]
        return selectivity(hits, self.first_word_hits[rows], self.task.groups[rows])

    def _accuracy(self, hits: Array) -> Estimate:
        rows = self.selection.report_rows
        return mean_estimates(hits[rows][:, None], self.task.groups[rows])[0]


def score_task(
    task: LabelsTask, selection: Selection, cache: VectorCache, seed: int
) -> ProbingScores:
    """Add the best readout's accuracy on shuffled labels and control tasks, and its online code."""
    x, usable = task_vectors(task, cache, cache[selection.names[selection.best_index]])
    control_hits = [
        probe_hits(task, x, usable, first_word_targets(task, seed + i))
        for i in range(CONTROL_TASKS)
    ]
    coded_rows = task.folds.choice_rows[usable[task.folds.choice_rows]]
    if len(coded_rows) > MAX_CODED_ROWS:
        rng = np.random.default_rng(seed)
        coded_rows = rng.choice(coded_rows, MAX_CODED_ROWS, replace=False)
    coded = len(task.classes) <= MAX_CODED_LABELS
    return ProbingScores(
        task=task,
        selection=selection,
        shuffled_hits=probe_hits(task, x, usable, shuffled_targets(task, seed)),
        first_word_hits=np.mean(control_hits, axis=0),
        code=codelength(x[coded_rows], task.targets[coded_rows], task.groups[coded_rows], seed=seed)
        if coded
        else None,
    )
