"""What was measured on one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from poolwise.selection.selection import Selection, sort_value
from poolwise.selection.tasks import LabelsTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.codelength import Codelength, codelength
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import (
    Difference,
    mean_differences,
    mean_estimates,
    paired_differences,
)
from poolwise.statistics.selectivity import selectivity
from poolwise.studies.probing.controls import MAJORITY, UNTRAINED, by_first_word, shuffled
from poolwise.studies.probing.probes import Array, named, rows_of

DRAWS = 5
"""Control tasks: each draws other labels for the same words."""

MOST_CODED = 100
"""Labels. An online code trains logistic regressions again and again, as slow as there are many."""


@dataclass(frozen=True)
class ProbingScores:
    """The contest's baselines are the controls; the columns of ``contest`` hold both.

    ``chance`` [n]: hits of the chosen readout's probe on shuffled labels. ``memory`` [n]: on labels
    by first word, the share of draws that it hits. Both NaN on the rows of train.
    ``code`` is that of train's labels given the chosen readout's vectors; None: too many labels.
    """

    task: LabelsTask
    selection: Selection
    chance: Array
    memory: Array
    code: Codelength | None

    @cached_property
    def chosen(self) -> int:
        """The best readout on dev, though a more usual one may be as good."""
        return self.selection.best_index

    @property
    def controls(self) -> range:
        return range(len(self.selection.readouts), len(self.selection.names))

    @cached_property
    def best_control(self) -> int:
        """Chosen on dev, as the readout is."""
        return self.best(self.controls)

    def best(self, among: Iterable[int]) -> int:
        """The contender of the best score on dev."""
        return max(among, key=lambda i: sort_value(self.selection.dev_scores[i]))

    @property
    def majority(self) -> int:
        """The control that always names the most frequent label."""
        return self.selection.names.index(MAJORITY)

    @property
    def untrained(self) -> list[int]:
        """The readouts of the encoder that has learned nothing."""
        return self.called(UNTRAINED)

    def called(self, start: str) -> list[int]:
        """Controls whose name begins so."""
        return [i for i in self.controls if self.selection.names[i].startswith(start)]

    def in_layer(self, layer: int) -> list[int]:
        """Readouts of this layer."""
        depth = self.selection.encoder.depth
        readouts = enumerate(self.selection.readouts)
        return [i for i, readout in readouts if readout.layer_indices(depth) == (layer,)]

    def of_pool(self, pool: str) -> list[int]:
        """Readouts of this pool."""
        return [i for i, readout in enumerate(self.selection.readouts) if str(readout.pool) == pool]

    @cached_property
    def gains(self) -> Sequence[Difference]:
        """Every contender less the most frequent label, on dev."""
        measure = self.task.measure(self.selection.row_scores, self.task.splits.dev)
        return paired_differences(*measure.influences(), self.majority, measure.groups)

    @cached_property
    def on_shuffled(self) -> Estimate:
        """Accuracy on shuffled labels."""
        return self._on_test(self.chance)

    @cached_property
    def over_majority(self) -> Difference:
        """Accuracy on shuffled labels less that of always naming the most frequent one."""
        columns = np.column_stack([self.selection.row_scores[:, self.majority], self.chance])
        test = self.task.splits.test
        return mean_differences(columns[test], 0, self.task.groups[test])[1]

    @cached_property
    def on_first_words(self) -> Estimate:
        """Accuracy on the control tasks."""
        return self._on_test(self.memory)

    @cached_property
    def selectivity(self) -> Difference:
        """Accuracy less accuracy on the control tasks."""
        test = self.task.splits.test
        hits = self.selection.row_scores[test, self.chosen]
        return selectivity(hits, self.memory[test], self.task.groups[test])

    def _on_test(self, hits: Array) -> Estimate:
        test = self.task.splits.test
        return mean_estimates(hits[test][:, None], self.task.groups[test])[0]


def gather(task: LabelsTask, selection: Selection, cache: VectorCache, seed: int) -> ProbingScores:
    """What the best readout's vectors show beyond the selection."""
    x, usable = rows_of(task, cache, cache[selection.names[selection.best_index]])
    draws = [named(task, x, usable, by_first_word(task, seed + draw)) for draw in range(DRAWS)]
    train = task.splits.train[usable[task.splits.train]]
    coded = len(task.classes) <= MOST_CODED
    return ProbingScores(
        task=task,
        selection=selection,
        chance=named(task, x, usable, shuffled(task, seed)),
        memory=np.mean(draws, axis=0),
        code=codelength(x[train], task.targets[train], task.groups[train], seed=seed)
        if coded
        else None,
    )
