"""Which readout's cosines agree with people, or tell labels apart?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Finding, Number
from poolwise.selection.finding import selection_finding
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.neighbours_task import OTHER_SCORES, NeighboursTask
from poolwise.selection.tasks.task import PairsTask, estimate_on
from poolwise.statistics.correlation import spearman
from poolwise.studies.choosing_study import ChoosingStudy, chosen_and_references
from poolwise.texts import DataKind, LabelledTexts, TextPairs


class Similarity(ChoosingStudy[TextPairs | LabelledTexts, PairsTask | NeighboursTask]):
    """Spearman's rho between the cosine of a pair and people's score, for every readout.

    Of labels: mean average precision of a text's own label among the other texts. Controls: the
    scores of other pairs; a random order.
    """

    name = "similarity"
    question = "Which readout's similarity agrees with people?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(
        self, data: TextPairs | LabelledTexts, grid: str = "default", seed: int = 0
    ) -> None:
        task: PairsTask | NeighboursTask
        if isinstance(data, LabelledTexts):
            self.question = "Which readout's similarity tells the labels apart?"
            task = NeighboursTask(data, seed)
        else:
            task = PairsTask(data, seed)
        super().__init__(data, task, grid, seed)

    def report(self, selection: Selection) -> Finding:
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=[self._control(selection), *self._other_scores(selection)],
        )

    def _other_scores(self, selection: Selection) -> Iterator[Number]:
        """Of labels, the chosen readout and the references by other scores of neighbours."""
        task, rows = self.task, selection.report_rows
        if not isinstance(task, NeighboursTask):
            return
        for i, readout, cache in chosen_and_references(selection):
            for name, score in OTHER_SCORES.items():
                scores = task.scores_by(score, cache, cache[str(readout.pooled)], readout)
                where = {"readout": selection.names[i], "part": task.folds.part}
                yield Number.of(name, estimate_on(task, scores, rows), where)

    def _control(self, selection: Selection) -> Number:
        task = self.task
        if isinstance(task, NeighboursTask):
            rows = selection.report_rows
            value = estimate_on(task, selection.chance_scores, rows)
            name = f"{task.score} of a random order"
            return Number.of(name, value, {"part": task.folds.part}, control=True)
        candidate = selection.candidates[selection.chosen_index]
        chosen, cache = candidate.readout, candidate.cache
        cosines = task.cosines(cache, cache[str(chosen.pooled)], chosen)
        rows = task.folds.report_rows
        rows = rows[np.isfinite(cosines[rows])]
        shuffled = np.random.default_rng(self._seed).permutation(task.pairs.scores[rows])
        correlation = spearman(cosines[rows], shuffled, task.groups[rows])
        where = {"readout": selection.names[selection.chosen_index], "part": task.folds.part}
        return Number.of(
            "Spearman with the scores of other pairs", correlation, where, control=True
        )
