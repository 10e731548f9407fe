"""Is [CLS] an average of its sentence's tokens? In words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.average.explain import OTHER, OTHER_SHIFTED, OWN, SHIFTED, WEIGHED, WORD
from poolwise.studies.average.numbers import nearer
from poolwise.studies.average.sample import SETTLING
from poolwise.studies.average.shares import LEAST_SPREAD, Layer
from poolwise.studies.token_classes import CLASSES, CLASSES_NOTE

MOST = 0.5
"""What an average must explain, with its interval, of how [CLS] differs between sentences."""


def verdict(layers: Sequence[Layer], tested: ComparisonFamily) -> str:
    """One sentence on averages; where there is none, another on averages and a constant."""
    defined = [layer for layer in layers if layer.defined]
    if not defined:
        most = max(layers, key=lambda layer: layer.spread)
        return (
            "Undefined: at no layer does [CLS] differ enough between sentences to be an average of "
            f"what is in them; most at layer {most.index}, by {most.spread:.1g} of its mean square."
        )
    averages = _averages(defined, OWN, tested)
    best = _nearest(defined, OWN)
    if layers[-1].index in averages:
        return f"Yes: {_told(best, tested)}."
    if averages:
        return f"Not at the last layer, but at {_named(averages)}: {_told(best, tested)}."
    return f"No: {_told(best, tested)}. {_with_constant(defined, tested)}."


def notes(layers: Sequence[Layer], tested: ComparisonFamily) -> Iterator[str]:
    """What else the layers show."""
    defined = [layer for layer in layers if layer.defined]
    undefined = [layer for layer in layers if not layer.defined]
    if undefined:
        yield (
            f"explained shares are undefined at {_named([one.index for one in undefined])}: less "
            f"than {LEAST_SPREAD:.0%} of [CLS]'s mean square lies between sentences there, so that "
            "whatever misses the constant rest leaves many times what there is to explain"
        )
    if averages := _averages(defined, SHIFTED, tested):
        yield f"an average and a constant explain most at {_named(averages)}"
    last = layers[-1]
    for way in WEIGHED:
        parts = [
            f"{name} {weight.value:.2f} (per token {_times(last, way, name)})"
            for name in CLASSES
            if (weight := last.weights.get((way, name))) and weight.value is not None
        ]
        yield (
            f"weights at the last layer, {way}: {', '.join(parts)}; as concentrated as "
            f"{last.in_use[way].value:.1f} equal ones"
        )
    yield (
        "per token: the weight of a class over its share of the tokens; 1 is what it would have if "
        f"all tokens were alike. {CLASSES_NOTE}"
    )
    yield (
        "the constant is the mean of [CLS] less the mean of its sentence's other tokens, taken "
        f"from {SETTLING} of the sentences; weights of any sign and sum explain the more the more "
        "tokens there are, whosesoever they be: their control says how much"
    )


def _averages(layers: Sequence[Layer], way: str, tested: ComparisonFamily) -> list[int]:
    """Layers at which ``way`` explains most, and comes clearly nearer than its control."""
    return [
        layer.index
        for layer in layers
        if (layer.explained[way].low or 0) > MOST and tested.sign(nearer(layer.index, way)) == 1
    ]


def _told(best: Layer, tested: ComparisonFamily) -> str:
    own, other, word = (best.explained[way] for way in (OWN, OTHER, WORD))
    clear = tested.sign(nearer(best.index, OWN)) == 1
    against = "another sentence's" if clear else "no clear difference to another sentence's"
    average = (
        f"at layer {best.index}, where it comes nearest, the best average of the sentence's own "
        "tokens"
    )
    found = (
        f"{average} explains {format_estimate(own)} of how [CLS] differs between sentences"
        if _value(best, OWN) > 0
        else f"{average} is farther from [CLS] than one vector for all sentences "
        f"(1 − |r|²/|cls − mu|² is {format_estimate(own)})"
    )
    return (
        f"{found}; {against} {format_estimate(other)}; of a random word, explained in the same "
        f"way, {format_estimate(word)}"
    )


def _with_constant(layers: Sequence[Layer], tested: ComparisonFamily) -> str:
    best = _nearest(layers, SHIFTED)
    own, other = (format_estimate(best.explained[way]) for way in (SHIFTED, OTHER_SHIFTED))
    said = "It becomes" if _averages(layers, SHIFTED, tested) else "Nor does it become"
    return (
        f"{said} one when a constant, the same for every sentence, is added: {own} at layer "
        f"{best.index}, another sentence's {other}"
    )


def _nearest(layers: Sequence[Layer], way: str) -> Layer:
    """Where most is explained."""
    return max(layers, key=lambda layer: _value(layer, way))


def _value(layer: Layer, way: str) -> float:
    found = layer.explained[way].value
    return float("-inf") if found is None else found


def _times(layer: Layer, way: str, name: str) -> str:
    found = layer.per_token[way, name].value
    return "undefined" if found is None else f"{found:.2f}"


def _named(layers: Sequence[int]) -> str:
    return f"layer{'s' if len(layers) > 1 else ''} {join_words([str(k) for k in layers])}"
