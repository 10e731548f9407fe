"""Which readout's nearest sentence is the translation?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.cached_baselines import cached_baselines
from poolwise.selection.finding import selection_finding
from poolwise.selection.grid import expand_grid
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.bitext_task import BitextTask
from poolwise.selection.tasks.retrieval_baselines import VECTORS
from poolwise.selection.tasks.task import estimate_on
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, RetrievalData


class Bitext:
    """Share of sentences whose nearest second sentence is their own, for every readout.

    Controls: the second sentences of others; a random order.
    """

    name = "bitext"
    question = "Which readout's nearest sentence is the translation?"
    takes: Sequence[DataKind] = ("queries",)

    def __init__(self, data: RetrievalData, grid: str = "default", seed: int = 0) -> None:
        self.data = [data]
        self.task = BitextTask(data, seed)
        self._grid, self._seed = grid, seed
        self._readouts: list[Readout] = []
        self.selection: Selection | None = None

    def request(self, model: Model) -> VectorRequest:
        task = self.task
        self._readouts = expand_grid(model, self._grid, len(task.fit_texts))
        readouts = [r.pooled for r in self._readouts]
        return VectorRequest((), readouts, queries=task.data.queries, documents=task.documents)

    def run(self, context: Context) -> Iterator[Finding]:
        self.selection = self.select(context)
        yield self.report(self.selection)

    def select(self, context: Context) -> Selection:
        encoder, cache, task = context.model, context.vectors, self.task
        baselines, notes = cached_baselines(
            encoder, task, cache, self._seed, VECTORS, of_texts=context.text_baselines
        )
        progress = context.progress
        return score_readouts(
            encoder, task, self._readouts, cache, baselines, notes=notes, progress=progress
        )

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
        for i in dict.fromkeys([selection.chosen_index, *selection.references.values()]):
            readout, cache = selection.readouts[i], selection.candidates[i].cache
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
