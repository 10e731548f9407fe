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
from poolwise.studies.ranking_controls import ranking_controls
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
            numbers=[
                *ranking_controls(selection, self.task, "the second sentences of others"),
                *self._other_scores(selection),
            ],
        )

    def _other_scores(self, selection: Selection) -> Iterator[Number]:
        """The chosen readout and the references from second to first, and by F1."""
        task, rows = self.task, selection.report_rows
        for i, readout, cache in chosen_and_references(selection):
            scores = task.other_scores(cache, cache[str(readout.pooled)], readout) or {}
            for name, values in scores.items():
                where = {"readout": selection.names[i], "part": task.folds.part}
                yield Number.of(name, estimate_on(task, values, rows), where)
