"""Which readout's cosines tell pairs that match from pairs that do not?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Finding, Number
from poolwise.selection.finding import selection_finding
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.pair_classification_task import (
    THRESHOLD_SCORES,
    PairClassificationTask,
)
from poolwise.selection.tasks.task import estimate_on, separate_rows
from poolwise.studies.choosing_study import ChoosingStudy, chosen_and_references
from poolwise.texts import DataKind, TextPairs


class PairClassification(ChoosingStudy[TextPairs, PairClassificationTask]):
    """Average precision of the cosine for pairs that are a match, for every readout.

    Controls: whether other pairs are a match, and the share of matches, which is the average
    precision of a random order.
    """

    name = "pair-classification"
    question = "Which readout's cosines tell matching pairs from others?"
    takes: Sequence[DataKind] = ("pairs",)

    def __init__(self, data: TextPairs, grid: str = "default", seed: int = 0) -> None:
        super().__init__(data, PairClassificationTask(data, seed), grid, seed)

    def report(self, selection: Selection) -> Finding:
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=[*self._controls(selection), *self._other_scores(selection)],
            notes=["thresholds of F1 and accuracy are chosen without the fold they decide"],
        )

    def _other_scores(self, selection: Selection) -> Iterator[Number]:
        """The chosen readout and the references by what a threshold decides."""
        task, rows = self.task, selection.report_rows
        for i, readout, cache in chosen_and_references(selection):
            cosines = task.cosines(cache, cache[str(readout.pooled)], readout)
            for name in THRESHOLD_SCORES:
                value = estimate_on(task, task.threshold_scores(name, cosines), rows)
                where = {"readout": selection.names[i], "part": task.folds.part}
                yield Number.of(name, value, where)

    def _controls(self, selection: Selection) -> Iterator[Number]:
        task, rows = self.task, selection.report_rows
        candidate = selection.candidates[selection.chosen_index]
        chosen, cache = candidate.readout, candidate.cache
        cosines = task.cosines(cache, cache[str(chosen.pooled)], chosen)
        rng, others = np.random.default_rng(self._seed), task.positive.copy()
        for part in separate_rows(task.folds):
            others[part] = rng.permutation(others[part])
        where = {"readout": selection.names[selection.chosen_index], "part": task.folds.part}
        value = estimate_on(task, task.scores_by(cosines, others), rows)
        yield Number.of(f"{task.score} with the matches of other pairs", value, where, control=True)
        value = estimate_on(task, selection.chance_scores, rows)
        part_only = {"part": task.folds.part}
        yield Number.of(f"{task.score} of a random order", value, part_only, control=True)
