"""The verdict and notes of the average study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.selection.comparisons import ComparisonFamily, join_words
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.average.combinations import OTHER, OTHER_SHIFTED, OWN, SHIFTED, WEIGHTED, WORD
from poolwise.studies.average.numbers import comparison_name
from poolwise.studies.average.sentence_fits import OFFSET_SENTENCES
from poolwise.studies.average.shares import LEAST_SPREAD, LayerStatistics
from poolwise.studies.extent import extent, is_most
from poolwise.studies.token_classes import CLASSES, CLASSES_NOTE

MOST = 0.5
"""What an average must explain, with its interval, of how [CLS] differs between sentences."""


NEARLY_ALL = 0.9
"""What it must explain for [CLS] to be called an average."""


def verdict(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> str:
    """Whether [CLS] is an average at the last layer, or how much of it an average explains."""
    defined = [layer for layer in layers if layer.defined]
    if not defined:
        return "Undefined: [CLS] hardly differs between sentences at any layer."
    averages = _averages(defined, OWN, tested)
    best, last = _nearest(defined, OWN), layers[-1].index
    if averages:
        share = best.explained[OWN]
        answer = "Yes" if last in averages and is_most(share, NEARLY_ALL) else "Partly"
        place = "the last layer" if best.index == last else f"layer {best.index}"
        return (
            f"{answer}: a weighted average of the sentence's own tokens explains {extent(share)} "
            f"of how [CLS] differs between sentences, at {place}."
        )
    if shifted := _averages(defined, SHIFTED, tested):
        nearest = _nearest([x for x in defined if x.index in shifted], SHIFTED)
        place = "the last layer" if nearest.index == last else f"layer {nearest.index}"
        share = nearest.explained[SHIFTED]
        return (
            f"No: an average explains it only with a constant added, then {extent(share)} of how "
            f"[CLS] differs between sentences, at {place}."
        )
    return (
        "No: a weighted average of the sentence's own tokens is at no layer shown to explain most "
        "of how [CLS] differs between sentences."
    )


def evidence(layers: Sequence[LayerStatistics], tested: ComparisonFamily) -> str:
    """The shares explained where an average comes nearest, without a constant and with one."""
    defined = [layer for layer in layers if layer.defined]
    if not defined:
        most = max(layers, key=lambda layer: layer.spread)
        return f"most at layer {most.index}, by {most.spread:.1g} of its mean square"
    nearest = _nearest_average(_nearest(defined, OWN), tested)
    if _averages(defined, OWN, tested):
        return nearest
    return f"{nearest}; {_with_constant(defined)}"


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


def _with_constant(layers: Sequence[LayerStatistics]) -> str:
    best = _nearest(layers, SHIFTED)
    own, other = (
        format_estimate(best.explained[combination]) for combination in (SHIFTED, OTHER_SHIFTED)
    )
    return (
        f"with a constant, the same for every sentence, it explains {own} at layer {best.index}, "
        f"another sentence's {other}"
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
