"""Which layer should one take?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata

from poolwise.charts import ForestPlot, LayerCurve, LayerCurves
from poolwise.model import Model
from poolwise.readouts import Readout, parse
from poolwise.records import Finding, Number
from poolwise.selection.choice import Choice
from poolwise.selection.comparisons import Comparison, ComparisonFamily, join_words
from poolwise.selection.grid import layer_numbers, normalises, with_l2
from poolwise.selection.scoring import score_readouts
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.data_tasks import task_of
from poolwise.selection.tasks.task import PairsTask
from poolwise.statistics.clusters import count_independent
from poolwise.statistics.dependent_correlations import CorrelationTest, steiger, williams
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs

POOLS = ("mean", "cls")
SECOND_OPINIONS = {"Williams": williams, "Steiger": steiger}


class Layers:
    """For each pool the layer of the highest score, what it scores where it was not chosen, and
    what it costs there to stay with a layer that people take without measuring. Layer 0 shows what
    words alone can do."""

    name = "layers"
    question = "Which layer should I take?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(
        self, data: TextPairs | LabelledTexts, seed: int = 0, score: str | None = None
    ) -> None:
        self.data = [data]
        self.task = task_of(data, seed, score=score)

    def request(self, model: Model) -> VectorRequest:
        return VectorRequest(self.task.texts, [readout.pooled for readout in _readouts(model)])

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        selection = score_readouts(encoder, self.task, _readouts(encoder), cache, progress=progress)
        best = str(selection.readouts[selection.best_index].pool)
        pools = [Pool(selection, name) for name in sorted(POOLS, key=lambda name: name != best)]
        family = ComparisonFamily([regret for pool in pools for regret in pool.regrets()])
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=_verdict(pools, family),
            evidence="; ".join(_evidence(pool, family) for pool in pools),
            numbers=[
                *(number for pool in pools for number in pool.chosen_score()),
                *family.numbers(),
                *(number for pool in pools for number in pool.second_opinions()),
                *(number for pool in pools for number in pool.layer_scores()),
            ],
            charts=[_curves(selection, pools), _costs(selection, family)],
            notes=[*(pool.tied() for pool in pools), *_undefined(selection), *self.task.notes],
            provenance={"data": self.task.name},
        )


def _readouts(model: Model) -> list[Readout]:
    """Every pool of every layer, normalised at the end where the model's folder declares that."""
    readouts = [parse(f"{pool}@{k}") for pool in POOLS for k in layer_numbers(model.depth)]
    return [with_l2(readout) for readout in readouts] if normalises(model) else readouts


@dataclass(frozen=True)
class Pool:
    """One pool over the layers of a selection."""

    selection: Selection
    name: str

    @property
    def indices(self) -> Sequence[int]:
        """The indices of its candidates, from layer 0 up."""
        return [i for i, r in enumerate(self.selection.readouts) if str(r.pool) == self.name]

    @cached_property
    def choice(self) -> Choice:
        """The choice of a layer."""
        return Choice(self.selection, self.indices)

    @property
    def scores(self) -> Sequence[Estimate]:
        return [self.selection.scores[i] for i in self.indices]

    @property
    def last(self) -> int:
        return len(self.indices) - 1

    @property
    def chosen_layer(self) -> int:
        """The layer of the highest score."""
        return self.indices.index(self.choice.index)

    @property
    def readout(self) -> str:
        """This pool of that layer."""
        return self.selection.names[self.choice.index]

    @property
    def reference_layers(self) -> Mapping[int, str]:
        """The layers that people take without measuring; in a shallow encoder some are one."""
        return {
            0: "the embeddings",
            self.last // 2: "the middle layer",
            self.last - 1: "the second-to-last layer",
            self.last: "the last layer",
        }

    def regrets(self) -> Iterator[Comparison]:
        """The chosen layer's score less that of each reference layer."""
        for k, name in sorted(self.reference_layers.items(), reverse=True):
            if k != self.chosen_layer:
                difference = self.choice.difference_from(self.indices[k])
                yield Comparison(self.regret(name), difference, self._location(k))

    def regret(self, name: str) -> str:
        return f"regret of {name}, {self.name}"

    def chosen_score(self) -> Iterator[Number]:
        """The chosen layer's score."""
        name = f"{self.selection.task.score} of the chosen layer"
        yield Number.of(name, self.choice.score, self._location(self.chosen_layer))

    def layer_scores(self) -> Iterator[Number]:
        for k, estimate in enumerate(self.scores):
            yield Number.of(self.selection.task.score, estimate, self._location(k))

    def second_opinions(self) -> Iterator[Number]:
        """By Spearman, tests of the last layer's regret that need three correlations only."""
        task = self.selection.task
        if type(task) is not PairsTask or self.chosen_layer == self.last:
            return
        cache, rows = self.selection.cache, self.selection.report_rows
        columns = [
            task.cosines(cache, cache[str(self.selection.readouts[i].pooled)])[rows]
            for i in (self.choice.index, self.indices[self.last])
        ]
        table = np.column_stack([*columns, task.pairs.scores[rows]])
        n = int(count_independent(task.groups[rows])[0])
        for name, test in SECOND_OPINIONS.items():
            p, note = _p(test, table, n)
            yield Number(
                f"p of {self.regret('the last layer')} ({name})",
                p,
                where=self._location(self.chosen_layer),
                note=note,
            )

    def tied(self) -> str:
        """A note on the layers that cannot be told from the chosen one."""
        tied = self.selection.tied_with(self.choice.index, self.indices)
        others = [self.selection.names[i] for i in tied if i != self.choice.index]
        if not others:
            return f"{self.readout} scores higher than every other layer of {self.name}"
        return f"{self.readout} cannot be told from {join_words(others)}"

    def _location(self, layer: int) -> dict[str, str | int]:
        readout = self.selection.names[self.indices[layer]]
        return {"readout": readout, "layer": layer, "part": self.selection.task.folds.part}


def _p(test: Callable[..., CorrelationTest], table: np.ndarray, n: int) -> tuple[float | None, str]:
    """p of the first two columns' correlations with the third, and a note; None if undefined."""
    r = np.asarray(np.corrcoef(rankdata(table, axis=0).T))
    try:
        result = test(r[0, 2], r[1, 2], r[0, 1], n)
    except ValueError as error:
        return None, f"not defined: {error}"
    return result.p, "of Pearson's r on ranks, not adjusted; supposes normal data"


def _verdict(pools: Sequence[Pool], family: ComparisonFamily) -> str:
    sentence = "; ".join(_answer(pool, family) for pool in pools)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _answer(pool: Pool, family: ComparisonFamily) -> str:
    last = pool.selection.names[pool.indices[pool.last]]
    if pool.chosen_layer == pool.last:
        return f"of {pool.name}, keep {last}: no layer scores higher"
    if family.sign(pool.regret("the last layer")) == 1:
        return f"of {pool.name}, take {pool.readout}: it scores higher than {last}"
    return f"of {pool.name}, keep {last}: no layer is shown to be better"


def _evidence(pool: Pool, family: ComparisonFamily) -> str:
    task = pool.selection.task
    scored = f"{pool.readout} {task.score} {format_estimate(pool.choice.score)}"
    if pool.chosen_layer == pool.last:
        return scored
    return f"{scored}, against the last layer {family.describe(pool.regret('the last layer'))}"


def _undefined(selection: Selection) -> Iterator[str]:
    undefined = [
        name
        for name, estimate in zip(selection.names, selection.scores, strict=True)
        if estimate.value is None
    ]
    if undefined:
        yield f"no score at {join_words(undefined)}: the same for every row, up to rounding"


def _curves(selection: Selection, pools: Sequence[Pool]) -> LayerCurves:
    return LayerCurves(
        f"Layer by layer on {selection.task.name}",
        [LayerCurve(pool.name, pool.scores) for pool in pools],
        y_label=selection.task.score,
        caption="Each row is scored by what was fitted without it. Layer 0 is the embeddings.",
    )


def _costs(selection: Selection, family: ComparisonFamily) -> ForestPlot:
    return family.chart(
        "What it costs to stay with a layer unmeasured",
        x_label=f"{selection.task.score} of the chosen layer less that of this one",
        reference="the layer chosen without the rows that it is scored on",
    )
