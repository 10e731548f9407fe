"""Charts of the first token: scores by token and layer, and differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poolwise.charts import ForestPlot, HeatCell, HeatMap
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.first.comparisons import AT_BEST, AT_LAST, Candidates, comparison_name
from poolwise.studies.first.rearrangements import GROUPS
from poolwise.studies.first.tokens import FIRST, layers

BEST = "As above, each at its best layer"


def by_token(candidates: Candidates, names: Sequence[str]) -> HeatMap:
    """The score of every token of ``names`` at every layer measured."""
    selection = candidates.selection
    cells = [
        HeatCell(_row(layer, selection.encoder.depth), name, selection.scores[i], best=i == best)
        for name in names
        for best in [candidates.best(name)]
        for layer, i in zip(layers(selection.encoder), candidates.indices(name), strict=True)
    ]
    return HeatMap(
        f"The first token and others, on {selection.task.name}",
        cells,
        x_label="token",
        y_label="layer",
        value_label=f"{selection.task.score} x 100",
        caption="Outlined: the layer at which each token scores highest.",
    )


def _row(layer: int, depth: int) -> int:
    """The layer from the embeddings up."""
    return layer % (depth + 1)


def of_tokens(family: ComparisonFamily, score: str) -> ForestPlot:
    """Other tokens of the same texts against the first."""
    return family.chart(
        "Other tokens against the first", x_label=f"difference in {score}", reference=FIRST
    )


def of_places(family: ComparisonFamily, score: str) -> ForestPlot:
    """Rearranged texts: at the last layer under the headings of ``GROUPS``; then at the best."""
    plot = family.chart(
        "The same texts, [CLS] elsewhere",
        x_label=f"difference in {score}",
        reference="no difference",
    )
    rows = []
    for comparison in family.comparisons:
        group, label = _label(comparison)
        rows.append(family.row(comparison.name, label=label, group=group))
    return replace(plot, rows=rows)


def _label(comparison: Comparison) -> tuple[str, str]:
    """The heading, and the row's name under it."""
    for heading, rivals in GROUPS.items():
        for label, pair in rivals.items():
            if comparison.name == comparison_name(*pair, AT_LAST):
                return heading, label
            if comparison.name == comparison_name(*pair, AT_BEST):
                k, other = (_layer(comparison.where[key]) for key in ("readout", "against"))
                return BEST, f"{label}, @{k} less @{other}"
    raise KeyError(comparison.name)


def _layer(readout: str | int) -> str:
    return str(readout).rpartition("@")[2]
