"""The verdict and the notes of a tagging finding."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.statistics.estimate import format_estimate
from poolwise.studies.tagging.experiment import LAST, HeadResult

LEVEL = 0.05


def verdict(result: HeadResult) -> str:
    """Whether the best mix on dev differs from the last layer on test."""
    test, best = result.scores.test, result.scores.best_mix
    score = f"{result.metric} {format_estimate(test.estimate(best))} with {result.head}"
    if best == LAST:
        return f"The last layer: {score}; no other scored higher on dev."
    gain = test.difference(best, LAST)
    size = format_estimate(gain.value, sign=True)
    if gain.p >= LEVEL:
        return (
            "No difference that these data can show between the last layer and what was best "
            f"on dev, {_with_article(best)}: {score}, a difference of {size}."
        )
    if (gain.value.value or 0) < 0:
        return (
            f"The last layer: {_with_article(best)} was better on dev, but on test has {score}, "
            f"{size} against it."
        )
    return f"Not the last layer but {_with_article(best)}: {score}, {size} against the last layer."


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
    """``the last layer``, ``layer 3``."""
    return name if name.startswith("layer ") else f"the {name}"
