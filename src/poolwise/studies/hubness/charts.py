"""Charts of hubs: by layer, what steps do, and the largest ones themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.charts import Chart, ForestPlot, LayerCurve, LayerCurves, TextTable
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.statistics.estimate import Estimate
from poolwise.studies.hubness.scores import StepEffects
from poolwise.studies.hubness.views import AS_POOLED, GAUSSIAN, POOLS, HubView

LARGEST = 10
"""Hubs that are shown."""

LONGEST = 120
"""Letters of a text that are shown."""


def charts(
    views: Sequence[HubView],
    effects: StepEffects,
    gaussian: HubView,
    *,
    documents: Sequence[str],
    n_queries: int,
    depth: int,
) -> Iterator[Chart]:
    for pool in POOLS:
        yield _curves(pool, views, gaussian, depth)
    used = effects.used.name
    if effects.steps:
        yield _forest(f"What a step does to the hubs of {used}", effects.skewness, "skewness", used)
    if effects.score is not None:
        title = f"What a step does to the {effects.score_name} of {used}"
        yield _forest(title, effects.score, effects.score_name, used)
    yield _largest(effects, documents, n_queries)


def _curves(pool: str, views: Sequence[HubView], gaussian: HubView, depth: int) -> LayerCurves:
    by_place = {
        (view.step, view.base.layer_indices(depth)[0]): view.skewness.estimate
        for view in views
        if str(view.base.pool) == pool and len(view.base.layer_indices(depth)) == 1
    }
    steps = dict.fromkeys(view.step for view in views)
    missing = Estimate(None)
    curves = [
        LayerCurve(step, [by_place.get((step, k), missing) for k in range(depth + 1)])
        for step in steps
    ]
    control = LayerCurve(GAUSSIAN, [gaussian.skewness.estimate] * (depth + 1), control=True)
    return LayerCurves(
        f"Hubs by layer, {pool}",
        [*curves, *[control] * (control.values[0].value is not None)],
        y_label="skewness of k-occurrence",
        caption="How far a few texts are near many more others than most are: 0 where occurrences "
        "are spread evenly about their mean. No point where the texts do not clearly differ.",
    )


def _forest(title: str, family: ComparisonFamily, x_label: str, reference: str) -> ForestPlot:
    return family.chart(title, x_label=f"difference in {x_label}", reference=reference)


def _largest(effects: StepEffects, documents: Sequence[str], n_queries: int) -> TextTable:
    views = [effects.used, *effects.steps]
    order = np.argsort(-effects.used.counts, kind="stable")[:LARGEST].tolist()
    return TextTable(
        f"The largest hubs under {effects.used.name}",
        ["text", *(view.step for view in views)],
        [
            [_shortened(documents[i]), *(f"{view.counts[i] / n_queries:.1%}" for view in views)]
            for i in order
        ],
        caption="Share of those searching that have the text among their ten nearest, "
        f"{AS_POOLED} and after each step.",
    )


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
