"""Measures → numbers, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from poolwise.records import Number
from poolwise.studies.length.layers import BEFORE_GAIN, IDENTITY, NORM, Layer, Series
from poolwise.studies.length.measures import Measures
from poolwise.studies.length.random_words import RANDOM_WORDS
from poolwise.studies.length.sample import OTHER, TOKENS, WORDS

REAL = "real"
VECTOR = "vector"

CURVE, LINE, RANK, RIDGE = "eta²", "R²", "Spearman", "ridge R²"
SLOPE, INTERCEPT = "slope", "intercept"
SPREAD, DEVIATION = "standard deviation / mean", "deviation from √d"
BEST = "in the layer where the norm says most"

Where = Mapping[str, str | int]


def numbers(layers: Sequence[Layer], real: Measures, random_words: Measures | None) -> list[Number]:
    """Every statistic with its interval: the last layer first, then downwards."""
    *lower, last = layers
    numbers = [*_layer(last, real, random_words), *_best(real)]
    for layer in reversed(lower):
        numbers += _layer(layer, real, random_words)
    return numbers


def _layer(layer: Layer, real: Measures, random_words: Measures | None) -> Iterator[Number]:
    groups = [(real, REAL), *([(random_words, RANDOM_WORDS)] if random_words else [])]
    for measures, texts in groups:
        for length in (TOKENS, WORDS):
            where: Where = {"layer": layer.index, "length": length, "texts": texts}
            yield from _shares(layer, measures, where, length)
            yield from _details(layer, measures, where, length)
            yield from _before_gain(layer, measures, where, length)
        where = {"layer": layer.index, "length": TOKENS, "texts": texts, "target": OTHER}
        yield from _shares(layer, measures, where, OTHER, control=True)
    yield from _identity(layer, real)


def _shares(
    layer: Layer, measures: Measures, where: Where, target: str, control: bool = False
) -> Iterator[Number]:
    """Shares of the target's variance: explained by the norm, and by the full vector."""
    for readout in layer.readouts:
        at = {"readout": readout, "of": NORM, **where}
        result = measures.norm(readout, layer.index, target)
        yield Number.of(CURVE, result.eta2, at, control=control)
        yield Number.of(LINE, result.regression.r2, at, control=control)
        if (readout, target) in measures.ridge:
            yield Number.of(
                RIDGE, measures.ridge[readout, target], {**at, "of": VECTOR}, control=control
            )


def _details(layer: Layer, measures: Measures, where: Where, target: str) -> Iterator[Number]:
    for readout in layer.readouts:
        at = {"readout": readout, "of": NORM, **where}
        result = measures.norm(readout, layer.index, target)
        yield Number.of(RANK, result.spearman, at)
        yield Number.of(SLOPE, result.regression.slope, at)
        yield Number.of(INTERCEPT, result.regression.intercept, at)
        if target == TOKENS:
            yield Number(SPREAD, result.spread, where=at)


def _before_gain(layer: Layer, measures: Measures, where: Where, target: str) -> Iterator[Number]:
    """The control that a LayerNorm makes flat."""
    if layer.gain is not None:
        at = {"readout": layer.cls, "of": BEFORE_GAIN, **where}
        result = measures.measured[Series(layer.cls, layer.index, BEFORE_GAIN), target]
        yield Number.of(CURVE, result.eta2, at, control=True)
        yield Number.of(LINE, result.regression.r2, at, control=True)


def _identity(layer: Layer, measures: Measures) -> Iterator[Number]:
    deviation = measures.deviations.get(layer.index)
    if layer.gain is None:
        note = "not a LayerNorm's output"
    elif deviation is None:
        note = "the gain is 0 in several dimensions: what stood there cannot be read back"
    else:
        note = "flat" if deviation <= IDENTITY else f"not flat: more than {IDENTITY:g}"
    where: Where = {"readout": layer.cls, "of": BEFORE_GAIN, "layer": layer.index}
    yield Number(DEVIATION, deviation, where=where, control=True, note=note)


def _best(measures: Measures) -> Iterator[Number]:
    if best := measures.best:
        where: Where = {
            "readout": f"cls@{best.layer}",
            "of": NORM,
            "layer": best.layer,
            "length": TOKENS,
        }
        for name, estimate in ((CURVE, best.eta2), (LINE, best.r2)):
            note = "chosen on one half of the sentences, measured on the other"
            yield Number.of(f"{name} {BEST}", estimate, where, note=note)
