"""The verdict and the notes of a tagging finding."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.selection.comparisons import NO_DIFFERENCE
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.tagging.experiment import LAST, HeadResult

LEVEL = 0.05


def verdict(result: HeadResult) -> str:
    """Whether the best layer or mix on dev is better than the last layer on test."""
    best = result.scores.best_mix
    if best == LAST:
        return "Take the last layer: no other layer or mix of layers tagged words better on dev."
    gain = result.scores.test.difference(best, LAST)
    if gain.p >= LEVEL:
        return "Keep the last layer: no other layer or mix of layers is shown to tag words better."
    if (gain.value.value or 0) < 0:
        return f"Keep the last layer: {_with_article(best)}, better on dev, is worse on test."
    return f"Take {_with_article(best)} instead of the last layer: it tags words better."


def evidence(result: HeadResult) -> str:
    """The score of the best layer or mix on test, and its difference from the last layer."""
    test, best = result.scores.test, result.scores.best_mix
    score = f"{result.metric} {format_estimate(test.estimate(best))} with {result.head}"
    if best == LAST:
        return score
    gain = test.difference(best, LAST)
    size = format_estimate(gain.value, sign=True)
    unclear = f", {NO_DIFFERENCE}" if gain.p >= LEVEL else ""
    return f"{_with_article(best)}: {score}, {size} against the last layer{unclear}"


def notes(result: HeadResult) -> Iterator[str]:
    """The best single layer, the controls, the protocol, and what the data and the head add."""
    scores = result.scores
    single = scores.best([mix for mix in scores.mixes if mix.combine == "single"])
    yield (
        f"the best single layer on dev is {_with_article(single)}: "
        f"{result.metric} {format_estimate(scores.test.estimate(single))}; last layer "
        f"{format_estimate(scores.test.estimate(LAST))}"
    )
    controls = ", ".join(
        f"{name} {format_estimate(scores.test.estimate(name))}" for name in scores.controls
    )
    yield f"controls: {controls}"
    starts = f" and {result.restarts} random starts" if result.restarts > 1 else ""
    yield (
        "a word is read at its first sub-token; what is best was chosen on dev, every score "
        f"is on test; intervals resample sentences{starts}"
    )
    yield from (*result.corpus.splits.notes, *result.corpus.notes, *result.notes)


def _with_article(name: str) -> str:
    """``the last layer``, ``the weighted sum of the last 4 layers``, ``layer 3``."""
    if name.startswith("layer "):
        return name
    plural = " layers" if name[-1].isdigit() else " layer" if name.endswith("last") else ""
    return f"the {name}{plural}"
