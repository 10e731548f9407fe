"""The study's numbers, the last layer first: explained shares, comparisons, then weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Number
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.average.combinations import (
    COMBINATIONS,
    EQUAL,
    OTHER,
    OTHER_SHIFTED,
    OTHER_SPAN,
    SPAN,
    WORD,
)
from poolwise.studies.average.shares import PAIRS, LayerStatistics

CONTROLS = (OTHER, OTHER_SHIFTED, EQUAL, WORD, SPAN, OTHER_SPAN)

EXPLAINED = "explained share"
RELATIVE = "relative residual"
SPREAD = "share of the mean square that lies between sentences"
WEIGHT = "weight"
PER_TOKEN = "weight / share of the tokens"
EFFECTIVE_TOKENS = "tokens in use"

Labels = dict[str, str | int]


def comparison_name(layer: int, combination: str) -> str:
    """The name of a comparison."""
    return f"layer {layer}: how much nearer {combination} come than another sentence's"


def family(layers: Sequence[LayerStatistics]) -> ComparisonFamily:
    """Own tokens against another sentence's, at every layer, in relative residuals."""
    return ComparisonFamily(
        [
            Comparison(
                comparison_name(layer.index, combination),
                layer.residual_gains[combination],
                {"layer": layer.index},
            )
            for layer in reversed(layers)
            for combination, _ in PAIRS
        ]
    )


def numbers(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> Iterator[Number]:
    """Every statistic with its interval."""
    from_last = layers[::-1]
    for layer in from_last:
        yield from _explained(layer)
    yield from tested.numbers()
    for layer in from_last:
        yield from _weights(layer)


def _explained(layer: LayerStatistics) -> Iterator[Number]:
    labels: Labels = {"readout": f"cls@{layer.index}", "layer": layer.index}
    yield Number(SPREAD, layer.spread, where=labels)
    for name, estimates in ((EXPLAINED, layer.explained), (RELATIVE, layer.relative)):
        for combination in COMBINATIONS:
            yield Number.of(
                name,
                estimates[combination],
                {**labels, "by": combination},
                control=combination in CONTROLS,
            )
    for own, other in PAIRS:
        yield Number.of(
            f"{EXPLAINED} less that of {other}", layer.explained_gains[own], {**labels, "by": own}
        )


def _weights(layer: LayerStatistics) -> Iterator[Number]:
    labels: Labels = {"readout": f"cls@{layer.index}", "layer": layer.index}
    for name, estimates in ((WEIGHT, layer.weights), (PER_TOKEN, layer.per_token)):
        for (combination, token_class), estimate in estimates.items():
            yield Number.of(name, estimate, {**labels, "by": combination, "tokens": token_class})
    for combination, estimate in layer.effective_tokens.items():
        yield Number.of(EFFECTIVE_TOKENS, estimate, {**labels, "by": combination})
