"""Layers → numbers: the last layer first, and what is asked before how it was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.records import Number
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.studies.average.explain import (
    EQUAL,
    OTHER,
    OTHER_SHIFTED,
    OTHER_SPAN,
    SPAN,
    WAYS,
    WORD,
)
from poolwise.studies.average.shares import PAIRS, Layer

CONTROLS = (OTHER, OTHER_SHIFTED, EQUAL, WORD, SPAN, OTHER_SPAN)

EXPLAINED = "explained share"
RELATIVE = "relative residual"
SPREAD = "share of the mean square that lies between sentences"
WEIGHT = "weight"
PER_TOKEN = "weight / share of the tokens"
IN_USE = "tokens in use"

Where = dict[str, str | int]


def nearer(layer: int, way: str) -> str:
    """The name of a comparison."""
    return f"layer {layer}: how much nearer {way} come than another sentence's"


def family(layers: Sequence[Layer]) -> ComparisonFamily:
    """Own tokens against another sentence's, at every layer, in relative residuals."""
    return ComparisonFamily(
        [
            Comparison(nearer(layer.index, way), layer.nearer[way], {"layer": layer.index})
            for layer in reversed(layers)
            for way, _ in PAIRS
        ]
    )


def numbers(layers: Sequence[Layer], tested: ComparisonFamily) -> Iterator[Number]:
    """Every statistic with its interval."""
    downwards = layers[::-1]
    for layer in downwards:
        yield from _explained(layer)
    yield from tested.numbers()
    for layer in downwards:
        yield from _weights(layer)


def _explained(layer: Layer) -> Iterator[Number]:
    at: Where = {"readout": f"cls@{layer.index}", "layer": layer.index}
    yield Number(SPREAD, layer.spread, where=at)
    for name, found in ((EXPLAINED, layer.explained), (RELATIVE, layer.relative)):
        for way in WAYS:
            yield Number.of(name, found[way], {**at, "by": way}, control=way in CONTROLS)
    for own, other in PAIRS:
        yield Number.of(f"{EXPLAINED} less that of {other}", layer.gains[own], {**at, "by": own})


def _weights(layer: Layer) -> Iterator[Number]:
    at: Where = {"readout": f"cls@{layer.index}", "layer": layer.index}
    for name, found in ((WEIGHT, layer.weights), (PER_TOKEN, layer.per_token)):
        for (way, kind), estimate in found.items():
            yield Number.of(name, estimate, {**at, "by": way, "tokens": kind})
    for way, estimate in layer.in_use.items():
        yield Number.of(IN_USE, estimate, {**at, "by": way})
