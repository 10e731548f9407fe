"""The study: every query's nearest documents, under every readout and step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import Finding, Number
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.statistics.estimate import Estimate
from poolwise.studies.hubness.charts import charts
from poolwise.studies.hubness.scores import scored_task, step_effects
from poolwise.studies.hubness.text_index import NEAREST, IndexRows, TextIndex, text_index
from poolwise.studies.hubness.verdict import evidence, step_notes, verdict
from poolwise.studies.hubness.views import (
    GAUSSIAN,
    SHUFFLED,
    HubView,
    base_readouts,
    filled_dimensions,
    gaussian_view,
    shuffled_view,
    steps_for,
    views,
)
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, RetrievalData, Texts

SKEWNESS = "skewness of k-occurrence"
OTHERS = {
    "documents near no query": "unreached",
    "queries near the largest hub": "largest",
    "Robin Hood index": "robin_hood",
}
NO_INTERVAL = "no interval: it depends on how many queries there are"


class Hubness:
    """The skewness of k-occurrence, antihubs and the largest hub, for the readout used now and for
    mean and [CLS] of every layer: as pooled, centred, standardised and whitened.

    Documents are searched by queries, or any texts by each other. Steps are fitted on the
    documents. Where relevance or labels tell, what a step does to hubs stands beside what it does
    to the score. Controls: Gaussian vectors of as many dimensions as the documents fill; values
    exchanged among texts.
    """

    name = "hubness"
    question = "Which texts are near everything, and what does centring or whitening do to that?"
    takes: Sequence[DataKind] = ("queries", "labels", "texts")

    def __init__(self, data: RetrievalData | LabelledTexts | Texts, seed: int = 0) -> None:
        self.data = [data]
        self._data, self._seed = data, seed
        self._task, self._without_score = scored_task(data, seed)
        self._index: TextIndex | None = None
        self._bases: list[Readout] = []

    def request(self, model: Model) -> VectorRequest:
        self._bases = base_readouts(model)
        self._index = index = text_index(self._data, model, self._seed)
        readouts = [base.pooled for base in self._bases]
        task = self._task
        if isinstance(task, RetrievalTask):
            queries = [*index.queries, *task.data.queries]
            documents = [*index.documents, *task.documents]
            return VectorRequest((), readouts, queries=queries, documents=documents)
        return VectorRequest([*index.documents, *(task.texts if task else ())], readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache = context.model, context.vectors
        assert self._index is not None, "a study's request comes before its run"
        rows = self._index.rows(cache, self._data.name)
        steps = steps_for(encoder.width, len(rows.documents))
        measured: list[list[HubView]] = []
        with Progress("hubs of readouts", len(self._bases), show=context.progress) as bar:
            for base in self._bases:
                measured.append(list(views(base, steps, cache, rows)))
                bar.advance(1)
        used, *_ = filter(None, measured)
        every = [view for of_base in measured for view in of_base]
        dimensions = filled_dimensions(used[0].base, cache, rows)
        gaussian = gaussian_view(used[0].base, dimensions, rows, self._seed)
        shuffled = shuffled_view(used[0].base, cache, rows, self._seed)
        effects = step_effects(used, cache, self._task)
        noun, asking = ("document", "queries") if self._index.query_kind else ("text", "texts")
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(effects, gaussian, noun),
            evidence=evidence(effects, gaussian, dimensions, noun, asking),
            numbers=[
                *_numbers(used, {}),
                *effects.skewness.numbers(),
                *(effects.score.numbers() if effects.score else ()),
                *_numbers([gaussian], {"readout": f"{GAUSSIAN} of {dimensions} dimensions"}),
                *_numbers([shuffled], {"readout": SHUFFLED}),
                *_numbers([view for view in every if view not in used], {}),
            ],
            charts=list(
                charts(
                    every,
                    effects,
                    gaussian,
                    documents=[cache.texts[row] for row in rows.documents.tolist()],
                    n_queries=len(rows.queries),
                    depth=encoder.depth,
                )
            ),
            notes=[*step_notes(effects), *self._notes(rows, noun), *self._without_score],
            provenance={"data": self._data.name, "documents": len(rows.documents)},
        )

    def _notes(self, rows: IndexRows, noun: str) -> Iterator[str]:
        q, m = len(rows.queries), len(rows.documents)
        searched = f"{q:,} queries search {m:,} documents"
        if noun == "text":
            searched = f"{q:,} of {m:,} texts search the others"
        yield (
            f"{searched}; near are the {NEAREST} of the highest cosine, so a last l2 changes "
            "nothing"
        )
        yield (
            "intervals are over those that search, with those searched as they are; the skewness "
            "is that for queries without number, the other measures depend on how many there are"
        )
        yield "steps are fitted on those searched; texts that the encoder reads alike count once"


def _numbers(measured: Sequence[HubView], where: dict[str, str]) -> Iterator[Number]:
    for view in measured:
        place: dict[str, str | int] = {"readout": view.name, **where}
        control = bool(where)
        yield Number.of(SKEWNESS, view.skewness.estimate, place, control=control)
        for name, attribute in OTHERS.items():
            value = Estimate(getattr(view, attribute), note=NO_INTERVAL)
            yield Number.of(name, value, place, control=control)
