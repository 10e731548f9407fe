"""Which readout finds the relevant documents?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from poolwise.readouts import Readout
from poolwise.records import Finding, Floats, Number
from poolwise.selection.finding import selection_finding
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.ranking_scores import DEFAULT, SHOWN, ranking_score
from poolwise.selection.tasks.retrieval_baselines import VECTORS, bm25_row_scores
from poolwise.selection.tasks.retrieval_notes import retrieval_notes
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.tasks.task import estimate_on
from poolwise.studies.choosing_study import ChoosingStudy, chosen_and_references
from poolwise.studies.ranking_controls import ranking_controls
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, RetrievalData


class Retrieval(ChoosingStudy[RetrievalData, RetrievalTask]):
    """nDCG@10 of all documents ranked by their cosine with each query, for every readout.

    Controls: the relevant documents of other queries; a random order. ``score`` names another of
    ``selection.ranking_scores``.
    """

    name = "retrieval"
    question = "Which readout finds the relevant documents?"
    takes: Sequence[DataKind] = ("queries",)
    baseline_names = VECTORS

    def __init__(
        self, data: RetrievalData, grid: str = "default", seed: int = 0, score: str | None = None
    ) -> None:
        super().__init__(data, RetrievalTask(data, seed, score or DEFAULT), grid, seed)

    def vector_request(self, readouts: Sequence[Readout]) -> VectorRequest:
        data = self.task.data
        return VectorRequest((), readouts, queries=data.queries, documents=self.task.documents)

    def score(
        self, context: Context, baselines: Mapping[str, Floats], notes: Sequence[str]
    ) -> Selection:
        own = bm25_row_scores(self.task, context.vectors) if context.text_baselines else ({}, [])
        scored, bm25_notes = own
        return score_readouts(
            context.model,
            self.task,
            self._readouts,
            context.vectors,
            baselines,
            scored_baselines=scored,
            notes=[*notes, *bm25_notes],
            progress=context.progress,
        )

    def report(self, selection: Selection) -> Finding:
        return selection_finding(
            selection,
            study=self.name,
            question=self.question,
            numbers=[
                *ranking_controls(selection, self.task, "the relevant documents of other queries"),
                *self._other_scores(selection),
            ],
            notes=list(retrieval_notes(selection, self.task)),
        )

    def _other_scores(self, selection: Selection) -> Iterator[Number]:
        """The chosen readout and the references by the other scores; recall of as many documents as
        there are says nothing."""
        task, rows = self.task, selection.report_rows
        others = [ranking_score(name) for name in SHOWN if name != task.score]
        others = [s for s in others if s.cut is None or s.cut < len(task.data.documents)]
        where = {"part": task.folds.part}
        for i, readout, cache in chosen_and_references(selection):
            ranks = task.ranks(cache, cache[str(readout.pooled)], readout)
            for score in others:
                value = estimate_on(task, task.scores_by(score, ranks, cache), rows)
                yield Number.of(score.name, value, {"readout": selection.names[i], **where})
