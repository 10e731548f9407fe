"""Which readout's nearest sentence is the translation?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.finding import selection_finding
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.bitext_task import BitextTask
from poolwise.selection.tasks.retrieval_baselines import VECTORS
from poolwise.selection.tasks.task import estimate_on
from poolwise.studies.choosing_study import ChoosingStudy, chosen_and_references
from poolwise.studies.study import VectorRequest
from poolwise.texts import DataKind, RetrievalData


class Bitext(ChoosingStudy[RetrievalData, BitextTask]):
    """Share of sentences whose nearest second sentence is their own, for every readout.

    Controls: the second sentences of others; a random order.
    """

    name = "bitext"
    question = "Which readout's nearest sentence is the translation?"
    takes: Sequence[DataKind] = ("queries",)
    baseline_names = VECTORS

    def __init__(self, data: RetrievalData, grid: str = "default", seed: int = 0) -> None:
        super().__init__(data, BitextTask(data, seed), grid, seed)

    def vector_request(self, readouts: Sequence[Readout]) -> VectorRequest:
        data = self.task.data
        return VectorRequest((), readouts, queries=data.queries, documents=self.task.documents)

    def report(self, selection: Selection) -> Finding:
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=[*self._controls(selection), *self._other_scores(selection)],
        )

    def _other_scores(self, selection: Selection) -> Iterator[Number]:
        """The chosen readout and the references from second to first, and by F1."""
        task, rows = self.task, selection.report_rows
        for i, readout, cache in chosen_and_references(selection):
            scores = task.other_scores(cache, cache[str(readout.pooled)], readout) or {}
            for name, values in scores.items():
                where = {"readout": selection.names[i], "part": task.folds.part}
                yield Number.of(name, estimate_on(task, values, rows), where)

    def _controls(self, selection: Selection) -> Iterator[Number]:
        task, rows = self.task, selection.report_rows
        candidate = selection.candidates[selection.chosen_index]
        chosen, cache = candidate.readout, candidate.cache
        shuffled = task.shuffled().row_scores(cache, cache[str(chosen.pooled)], chosen)
        where = {"readout": selection.names[selection.chosen_index], "part": task.folds.part}
        name = f"{task.score} with the second sentences of others"
        yield Number.of(name, estimate_on(task, shuffled, rows), where, control=True)
        value = estimate_on(task, selection.chance_scores, rows)
        part = {"part": task.folds.part}
        yield Number.of(f"{task.score} of a random order", value, part, control=True)
