"""Charts of a tagging finding: differences from the last layer, and scores by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, ForestPlot, LayerCurve, LayerCurves
from poolwise.selection.charts import forest_rows
from poolwise.studies.tagging.experiment import (
    LAST,
    MOST_FREQUENT,
    SHUFFLED,
    STATIC,
    HeadResult,
)


def charts(result: HeadResult) -> Iterator[Chart]:
    """The differences and, where every layer was scored, the curve over layers."""
    yield _differences(result)
    layers = sorted(result.scores.single_layers)
    if layers == list(range(len(layers))):
        yield _by_layer(result, layers)


def _differences(result: HeadResult) -> ForestPlot:
    scores, controls = result.scores, (STATIC, MOST_FREQUENT)
    mixes = [mix.name for mix in scores.mixes if mix.name != LAST]
    differences = [(name, scores.test.difference(name, LAST)) for name in (*mixes, *controls)]
    return ForestPlot(
        f"Against the last layer, with {result.head}",
        forest_rows(differences, controls=controls),
        x_label=f"difference in {result.metric}, test",
        reference=LAST,
        caption="Differences over the same sentences, with 95 % intervals; Holm over all of them.",
    )


def _by_layer(result: HeadResult, layers: Sequence[int]) -> LayerCurves:
    scores = result.scores.test
    names = [result.scores.single_layers[layer] for layer in layers]
    curves = [LayerCurve(result.head, [scores.estimate(name) for name in names])]
    for control in (STATIC, MOST_FREQUENT, SHUFFLED):
        flat = [scores.estimate(control)] * len(layers)
        curves.append(LayerCurve(control, flat, control=True))
    return LayerCurves(
        f"What each layer tells of a word, with {result.head}",
        curves,
        y_label=result.metric,
        caption=f"{result.metric} on the {scores.n:,} sentences of test, with 95 % intervals.",
    )
