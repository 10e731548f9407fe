"""The study: readouts scored by labels, and by what needs none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.encoders.modules.prompts import TextKind
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.grid import expand_grid
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.data_tasks import task_of
from poolwise.selection.tasks.ranking_scores import DEFAULT
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.tasks.task import Task
from poolwise.statistics.estimate import Estimate
from poolwise.studies.hints.charts import charts, chosen_name
from poolwise.studies.hints.choices import HintChoice, hint_choices
from poolwise.studies.hints.sample import TextSample
from poolwise.studies.hints.values import layer_below, score_table
from poolwise.studies.hints.verdict import evidence, notes, verdict
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, RetrievalData, TextPairs

NO_INTERVAL = "no interval: noise in the scores lowers it, and none about it would be right"


class Hints:
    """What isotropy, effective rank, uniformity, alignment and redundancy would have chosen.

    Labels judge them and nothing else: scores without labels see the texts that a readout is chosen
    on, their direction is declared beforehand (see ``LABEL_FREE_SCORES``). Controls: a readout at
    random, the deepest layer, the most dimensions, the longest vectors. Labels are predicted by a
    linear discriminant, for every readout.
    """

    name = "hints"
    question = "Would a score without labels have chosen the readout?"
    takes: Sequence[DataKind] = ("pairs", "labels", "queries")

    def __init__(
        self,
        data: TextPairs | LabelledTexts | RetrievalData,
        grid: str = "default",
        seed: int = 0,
        score: str | None = None,
    ) -> None:
        self.data = [data]
        self.task: Task
        if isinstance(data, RetrievalData):
            self.task = RetrievalTask(data, seed, score or DEFAULT)
            queries, documents = data.queries, self.task.documents
            kind: TextKind = "document" if len(set(documents)) >= len(set(queries)) else "query"
            texts = documents if kind == "document" else queries
            self._sample = TextSample.of(texts, seed, kind)
        else:
            self.task = task_of(data, seed, score=score, probe="discriminant")
            self._sample = TextSample.of(self.task.fit_texts, seed)
        self._grid = grid
        self._readouts: list[Readout] = []

    def request(self, model: Model) -> VectorRequest:
        self._readouts = expand_grid(model, self._grid, len(set(self.task.fit_texts)))
        pooled = [readout.pooled for readout in self._readouts]
        below = [layer_below(readout, model.depth) for readout in pooled]
        readouts = [*pooled, *(readout for readout in below if readout is not None)]
        task, sample = self.task, self._sample
        if not isinstance(task, RetrievalTask):
            return VectorRequest([*task.texts, *sample.texts], readouts)
        queries = [*task.data.queries, *(sample.texts if sample.kind == "query" else ())]
        documents = [*task.documents, *(sample.texts if sample.kind == "document" else ())]
        return VectorRequest((), readouts, queries=queries, documents=documents)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        rows = self._sample.rows(cache, self.task.name)
        selection = score_readouts(encoder, self.task, self._readouts, cache, progress=progress)
        table = score_table(encoder, self._readouts, cache, rows, progress=progress)
        choices = hint_choices(selection, table)
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(selection, choices),
            evidence=evidence(selection, choices),
            numbers=list(_numbers(selection, choices)),
            charts=list(charts(selection, choices)),
            notes=[
                *notes(selection, choices, len(rows.measured), len(rows.shortened)),
                *self.task.notes,
            ],
            provenance={"data": self.task.name, "readouts": len(self._readouts)},
        )


def _numbers(selection: Selection, choices: Sequence[HintChoice]) -> Iterator[Number]:
    """Of each choice: against the readout used now, against the best, agreement of the order."""
    score, part = selection.task.score, selection.task.folds.part
    used = selection.names[selection.reference]
    for choice in choices:
        where: dict[str, str | int] = {
            "score without labels": choice.name,
            "among": choice.among,
            "readout": chosen_name(selection, choice),
            "part": part,
        }
        p = min(choice.p_better, choice.p_worse)
        estimates = {
            f"{score} of the choice less {used}": choice.against_used.value,
            f"{score} of the choice less the best by labels": choice.against_best.value,
            f"{score} of the upper half less the lower": choice.upper_less_lower.value,
            "Spearman over readouts": Estimate(choice.agreement, note=NO_INTERVAL),
        }
        for i, (name, estimate) in enumerate(estimates.items()):
            note = f"p {p:.4f} by max-T over {len(choices)} choices" if i == 0 else estimate.note
            yield Number.of(name, estimate, where, control=choice.control, note=note)
