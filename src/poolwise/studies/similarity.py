"""Which readout's cosines agree with people?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.cached_baselines import cached_baselines
from poolwise.selection.finding import selection_finding
from poolwise.selection.grid import expand_grid
from poolwise.selection.labelled_pairs import labelled_pairs
from poolwise.selection.selection import Selection, score_readouts
from poolwise.selection.tasks import LabelsTask, PairsTask
from poolwise.statistics.correlation import spearman
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs


class Similarity:
    """Spearman's rho between the cosine of a pair and people's score, for every readout.

    Of labels, pairs are made: 1 for two texts of one label, 0 for others. Control: the scores of
    other pairs.
    """

    name = "similarity"
    question = "Which readout's similarity agrees with people?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(
        self, data: TextPairs | LabelledTexts, grid: str = "default", seed: int = 0
    ) -> None:
        self.data = [data]
        if isinstance(data, LabelledTexts):
            self.question = "Which readout's similarity tells the labels apart?"
            fit_texts = LabelsTask(data, seed).train_texts
            self.task = PairsTask(labelled_pairs(data, seed), seed, fit_texts)
        else:
            self.task = PairsTask(data, seed)
        self._grid, self._seed = grid, seed
        self._readouts: list[Readout] = []
        self.selection: Selection | None = None

    def request(self, model: Model) -> VectorRequest:
        self._readouts = expand_grid(model, self._grid, len(set(self.task.train_texts)))
        readouts = [r.pooled for r in self._readouts]
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        baselines, notes = cached_baselines(encoder, self.task, cache, self._seed)
        self.selection = score_readouts(
            encoder, self.task, self._readouts, cache, baselines, progress=progress
        )
        yield selection_finding(
            self.selection,
            study=self.name,
            question=self.question,
            numbers=[self._control(self.selection)],
            notes=notes,
        )

    def _control(self, selection: Selection) -> Number:
        rows = self.task.splits.test
        cosines = selection.row_scores[rows, selection.chosen_index]
        defined = np.isfinite(cosines)
        shuffled = np.random.default_rng(self._seed).permutation(
            self.task.pairs.scores[rows][defined]
        )
        estimate = spearman(cosines[defined], shuffled, self.task.groups[rows][defined])
        where = {"readout": selection.names[selection.chosen_index], "part": "test"}
        name = "Spearman with the scores of other pairs"
        return Number.of(name, estimate, where, control=True)
