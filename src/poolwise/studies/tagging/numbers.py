"""The numbers of a tagging finding: the score of every mix and control, then differences."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.records import Number
from poolwise.studies.tagging.experiment import LAST, MOST_FREQUENT, STATIC, HeadResult


def numbers(result: HeadResult) -> Iterator[Number]:
    """Scores on test and on dev, then differences from the last layer on test."""
    yield from _scores(result)
    yield from _differences(result)


def _scores(result: HeadResult) -> Iterator[Number]:
    scores = result.scores
    layers = {name: layer for layer, name in scores.single_layers.items()}
    names = (*(mix.name for mix in scores.mixes), *scores.controls)
    for split, f1_scores in (("test", scores.test), ("dev", scores.dev)):
        for name in names:
            place: dict[str, str | int] = {"features": name, "head": result.head, "part": split}
            if name in layers:
                place["layer"] = layers[name]
            control = name in scores.controls
            yield Number.of(result.metric, f1_scores.estimate(name), place, control=control)


def _differences(result: HeadResult) -> Iterator[Number]:
    mixes = [mix.name for mix in result.scores.mixes if mix.name != LAST]
    for name in (*mixes, STATIC, MOST_FREQUENT):
        yield Number.of(
            f"{result.metric} less that of the last layer",
            result.scores.test.difference(name, LAST).value,
            {"features": name, "head": result.head, "part": "test"},
            control=name in result.scores.controls,
        )
