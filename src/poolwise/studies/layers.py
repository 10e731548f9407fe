"""Which layer should one take?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from poolwise.charts import ForestPlot, LayerCurve, LayerCurves
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Finding, Number
from poolwise.selection.comparisons import Comparison, ComparisonFamily, join_words
from poolwise.selection.scores import Correlations
from poolwise.selection.selection import Selection, score_readouts, sort_value
from poolwise.selection.tasks import task_of
from poolwise.statistics.clusters import count_independent
from poolwise.statistics.dependent_correlations import CorrelationTest, steiger, williams
from poolwise.statistics.estimate import Estimate, format_estimate
from poolwise.statistics.paired import not_significantly_worse, paired_differences
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs

POOLS = ("mean", "cls")
SECOND_OPINIONS = {"Williams": williams, "Steiger": steiger}


class Layers:
    """For each pool the layer chosen on dev, its score on test, and what it costs there to stay
    with a layer that people take without measuring. Layer 0 shows what words alone can do."""

    name = "layers"
    question = "Which layer should I take?"
    takes: Sequence[DataKind] = ("pairs", "labels")

    def __init__(self, data: TextPairs | LabelledTexts, seed: int = 0) -> None:
        self.data = [data]
        self.task = task_of(data, seed)

    def request(self, model: Model) -> VectorRequest:
        readouts = [parse(f"{pool}@{k}") for pool in POOLS for k in range(model.depth + 1)]
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        selection = score_readouts(
            encoder, self.task, self.request(encoder).readouts, cache, progress=progress
        )
        best = str(selection.readouts[selection.chosen_index].pool)
        pools = [Pool(selection, name) for name in sorted(POOLS, key=lambda name: name != best)]
        family = ComparisonFamily([regret for pool in pools for regret in pool.regrets()])
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=" ".join(_verdict(pool, family) for pool in pools),
            numbers=[
                *(number for pool in pools for number in pool.chosen_score()),
                *family.numbers(),
                *(number for pool in pools for number in pool.second_opinions()),
                *(number for pool in pools for number in pool.scores()),
            ],
            charts=[_curves(selection, pools), _costs(selection, family)],
            notes=[
                *self.task.splits.notes,
                *(pool.tied() for pool in pools),
                *_undefined(selection),
            ],
            provenance={"data": self.task.name},
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool over the layers of a selection."""

    selection: Selection
    name: str

    @property
    def indices(self) -> Sequence[int]:
        """The indices of its candidates, from layer 0 up."""
        return [i for i, r in enumerate(self.selection.readouts) if str(r.pool) == self.name]

    @property
    def dev(self) -> Sequence[Estimate]:
        return [self.selection.dev_scores[i] for i in self.indices]

    @property
    def test(self) -> Sequence[Estimate]:
        return [self.selection.test_scores[i] for i in self.indices]

    @property
    def last(self) -> int:
        return len(self.indices) - 1

    @property
    def chosen_layer(self) -> int:
        """The layer of the best score on dev."""
        scores = [sort_value(estimate) for estimate in self.dev]
        return scores.index(max(scores))

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
        """The chosen layer's score on test less that of each reference layer."""
        for k, name in sorted(self.reference_layers.items(), reverse=True):
            if k != self.chosen_layer:
                difference = self.selection.differences_from(self.indices[k])[
                    self.indices[self.chosen_layer]
                ]
                where = {**self._location(k), "part": "test"}
                yield Comparison(self.regret(name), difference, where)

    def regret(self, name: str) -> str:
        return f"regret of {name}, {self.name}"

    def chosen_score(self) -> Iterator[Number]:
        """The chosen layer's score."""
        name = f"{self.selection.task.score} of the chosen layer"
        where = {**self._location(self.chosen_layer), "part": "test"}
        yield Number.of(name, self.test[self.chosen_layer], where)

    def scores(self) -> Iterator[Number]:
        for part, estimates in (("test", self.test), ("dev", self.dev)):
            for k, estimate in enumerate(estimates):
                where = {**self._location(k), "part": part}
                name = self.selection.task.score
                yield Number.of(name, estimate, where)

    def second_opinions(self) -> Iterator[Number]:
        """For pairs, tests of the last layer's regret that need three correlations only."""
        measure = self.selection.task.measure(
            self.selection.row_scores[
                :, [self.indices[self.chosen_layer], self.indices[self.last]]
            ],
            self.selection.task.splits.test,
        )
        if not isinstance(measure, Correlations) or self.chosen_layer == self.last:
            return
        for name, test in SECOND_OPINIONS.items():
            p, note = _p(test, measure)
            yield Number(
                f"p of {self.regret('the last layer')} ({name})",
                p,
                where={**self._location(self.chosen_layer), "part": "test"},
                note=note,
            )

    def tied(self) -> str:
        """A note on the layers that are not significantly worse than the chosen one on dev."""
        columns = self.selection.row_scores[:, self.indices]
        measure = self.selection.task.measure(columns, self.selection.task.splits.dev)
        tied_layers = not_significantly_worse(
            paired_differences(*measure.influences(), self.chosen_layer, measure.groups)
        )
        layers = [str(k) for k in np.flatnonzero(tied_layers).tolist() if k != self.chosen_layer]
        if not layers:
            return f"{self.name}: dev tells layer {self.chosen_layer} from every other"
        return f"{self.name}: dev cannot tell layer {self.chosen_layer} from {join_words(layers)}"

    def _location(self, layer: int) -> dict[str, str | int]:
        return {"readout": f"{self.name}@{layer}", "layer": layer}


def _p(test: Callable[..., CorrelationTest], measure: Correlations) -> tuple[float | None, str]:
    """p of the two columns' correlations with people's scores, and a note; None if undefined."""
    table = np.column_stack([measure.cosines, measure.scores])
    r = np.asarray(np.corrcoef(rankdata(table, axis=0).T))
    try:
        n = len(table) if measure.groups is None else int(count_independent(measure.groups)[0])
        result = test(r[0, 2], r[1, 2], r[0, 1], n)
    except ValueError as error:
        return None, f"not defined: {error}"
    return result.p, "of Pearson's r on ranks, not adjusted; supposes normal data"


def _verdict(pool: Pool, family: ComparisonFamily) -> str:
    task, chosen_layer = pool.selection.task, pool.chosen_layer
    score = f"{task.score} {format_estimate(pool.test[chosen_layer])} on {task.name}"
    readout = f"{pool.name}@{chosen_layer}"
    if pool.selection.names[pool.selection.chosen_index] == readout:
        begin = f"Take {readout}, the best on dev: {score}"
    else:
        begin = f"Of {pool.name}, take layer {chosen_layer}: {score}"
    if chosen_layer == pool.last:
        return f"{begin}; it is the last layer."
    return f"{begin}; regret of the last layer: {family.describe(pool.regret('the last layer'))}."


def _undefined(selection: Selection) -> Iterator[str]:
    undefined = [
        name
        for name, estimate in zip(selection.names, selection.test_scores, strict=True)
        if estimate.note
    ]
    if undefined:
        yield f"no score at {join_words(undefined)}: the same for every row, up to rounding"


def _curves(selection: Selection, pools: Sequence[Pool]) -> LayerCurves:
    values = {f"{pool.name}, test": pool.test for pool in pools}
    values |= {f"{pool.name}, dev": pool.dev for pool in pools}
    return LayerCurves(
        f"Layer by layer on {selection.task.name}",
        [LayerCurve(name, estimates) for name, estimates in values.items()],
        y_label=selection.task.score,
        caption="The layer is chosen on dev; what it is worth is said of test. Layer 0 is the "
        "embeddings.",
    )


def _costs(selection: Selection, family: ComparisonFamily) -> ForestPlot:
    return family.chart(
        "What it costs to stay with a layer unmeasured",
        x_label=f"{selection.task.score} of the chosen layer less that of this one, test",
        reference="the layer chosen on dev",
    )
