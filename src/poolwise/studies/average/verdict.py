"""The verdict and notes of the average study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.average.combinations import OTHER, OTHER_SHIFTED, OWN, SHIFTED, WEIGHTED, WORD
from poolwise.studies.average.numbers import comparison_name
from poolwise.studies.average.sentence_fits import OFFSET_SENTENCES
from poolwise.studies.average.shares import LEAST_SPREAD, LayerStatistics
from poolwise.studies.token_classes import CLASSES, CLASSES_NOTE

MOST = 0.5
"""What an average must explain, with its interval, of how [CLS] differs between sentences."""


def verdict(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> str:
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
        return f"Yes: {_nearest_average(best, tested)}."
    if averages:
        names = _layer_names(averages)
        return f"Not at the last layer, but at {names}: {_nearest_average(best, tested)}."
    return f"No: {_nearest_average(best, tested)}. {_with_constant(defined, tested)}."


def notes(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> Iterator[str]:
    """Undefined layers, the average with a constant, and weights at the last layer."""
    defined = [layer for layer in layers if layer.defined]
    undefined = [layer for layer in layers if not layer.defined]
    if undefined:
        names = _layer_names([layer.index for layer in undefined])
        yield (
            f"explained shares are undefined at {names}: less "
            f"than {LEAST_SPREAD:.0%} of [CLS]'s mean square lies between sentences there, so that "
            "whatever misses the constant rest leaves many times what there is to explain"
        )
    if averages := _averages(defined, SHIFTED, tested):
        yield f"an average and a constant explain most at {_layer_names(averages)}"
    last = layers[-1]
    for combination in WEIGHTED:
        phrases = [
            f"{name} {weight.value:.2f} (per token {_times(last, combination, name)})"
            for name in CLASSES
            if (weight := last.weights.get((combination, name))) and weight.value is not None
        ]
        yield (
            f"weights at the last layer, {combination}: {', '.join(phrases)}; as concentrated as "
            f"{last.effective_tokens[combination].value:.1f} equal ones"
        )
    yield (
        "per token: the weight of a class over its share of the tokens; 1 is what it would have if "
        f"all tokens were alike. {CLASSES_NOTE}"
    )
    yield (
        "the constant is the mean of [CLS] less the mean of its sentence's other tokens, taken "
        f"from {OFFSET_SENTENCES} of the sentences; weights of any sign and sum explain the more "
        "the more tokens there are, whosesoever they be: their control says how much"
    )


def _averages(
    layers: Sequence[LayerStatistics], combination: str, tested: ComparisonFamily
) -> list[int]:
    """Layers at which ``combination`` explains over half, significantly more than its control."""
    return [
        layer.index
        for layer in layers
        if (layer.explained[combination].low or 0) > MOST
        and tested.sign(comparison_name(layer.index, combination)) == 1
    ]


def _nearest_average(best: LayerStatistics, tested: ComparisonFamily) -> str:
    own, other, word = (best.explained[combination] for combination in (OWN, OTHER, WORD))
    clear = tested.sign(comparison_name(best.index, OWN)) == 1
    against = "another sentence's" if clear else "no clear difference to another sentence's"
    average = (
        f"at layer {best.index}, where it comes nearest, the best average of the sentence's own "
        "tokens"
    )
    share = (
        f"{average} explains {format_estimate(own)} of how [CLS] differs between sentences"
        if _value(best, OWN) > 0
        else f"{average} is farther from [CLS] than one vector for all sentences "
        f"(1 − |r|²/|cls − mu|² is {format_estimate(own)})"
    )
    return (
        f"{share}; {against} {format_estimate(other)}; of a random word, explained in the same "
        f"way, {format_estimate(word)}"
    )


def _with_constant(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> str:
    best = _nearest(layers, SHIFTED)
    own, other = (
        format_estimate(best.explained[combination]) for combination in (SHIFTED, OTHER_SHIFTED)
    )
    opening = "It becomes" if _averages(layers, SHIFTED, tested) else "Nor does it become"
    return (
        f"{opening} one when a constant, the same for every sentence, is added: {own} at layer "
        f"{best.index}, another sentence's {other}"
    )


def _nearest(layers: Sequence[LayerStatistics], combination: str) -> LayerStatistics:
    """The layer at which ``combination`` explains most."""
    return max(layers, key=lambda layer: _value(layer, combination))


def _value(layer: LayerStatistics, combination: str) -> float:
    share = layer.explained[combination].value
    return float("-inf") if share is None else share


def _times(layer: LayerStatistics, combination: str, name: str) -> str:
    ratio = layer.per_token[combination, name].value
    return "undefined" if ratio is None else f"{ratio:.2f}"


def _layer_names(layers: Sequence[int]) -> str:
    return f"layer{'s' if len(layers) > 1 else ''} {join_words([str(k) for k in layers])}"
