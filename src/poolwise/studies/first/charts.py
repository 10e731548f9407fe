"""The tokens by layer, and the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poolwise.records import Chart
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.first.comparisons import AT_BEST, AT_LAST, Contenders, named
from poolwise.studies.first.rearrangements import GROUPS
from poolwise.studies.first.tokens import FIRST, layers

BEST = "As above, each at its best layer"


def by_token(contenders: Contenders, names: Sequence[str]) -> Chart:
    """Kind ``heat``: every token's score at every layer measured."""
    selection = contenders.selection
    rows = [
        (
            k,
            name,
            selection.test_scores[i].value,
            selection.test_scores[i].low,
            selection.test_scores[i].high,
            i == best,
        )
        for name in names
        for best in [contenders.best(name)]
        for k, i in zip(layers(selection.encoder), contenders.places(name), strict=True)
    ]
    columns = ("layer", "pool", "value", "low", "high", "best")
    return Chart(
        "heat",
        f"The first token and others, on {selection.task.name}",
        {
            "x_label": "token",
            "y_label": "layer",
            "value_label": f"{selection.task.score} x 100, test",
            **{column: [row[i] for row in rows] for i, column in enumerate(columns)},
            "tied": [False] * len(rows),
        },
        "Outlined: the layer that each token's score on dev chooses.",
    )


def of_tokens(family: ComparisonFamily, score: str) -> Chart:
    return family.chart(
        "Other tokens against the first", x_label=f"difference in {score}, test", reference=FIRST
    )


def of_places(family: ComparisonFamily, score: str) -> Chart:
    """Kind ``forest``: the last layer, under the headings of ``GROUPS``; then the best ones."""
    chart = family.chart(
        "The same texts, [CLS] elsewhere",
        x_label=f"difference in {score}, test",
        reference="no difference",
    )
    labels = [_label(one) for one in family.comparisons]
    return replace(
        chart,
        data={
            **chart.data,
            "name": [name for _, name in labels],
            "group": [group for group, _ in labels],
        },
    )


def _label(one: Comparison) -> tuple[str, str]:
    """A heading, and what stands under it."""
    for heading, rivals in GROUPS.items():
        for label, pair in rivals.items():
            if one.name == named(*pair, AT_LAST):
                return heading, label
            if one.name == named(*pair, AT_BEST):
                k, other = (_layer(str(one.where[who])) for who in ("readout", "against"))
                return BEST, f"{label}, @{k} less @{other}"
    raise KeyError(one.name)


def _layer(name: str) -> str:
    return name.rpartition("@")[2]
