"""The numbers of a probing finding, task by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Number
from poolwise.statistics.estimate import Estimate
from poolwise.studies.probing.controls import LENGTH, MAJORITY
from poolwise.studies.probing.paired_tests import PairedTest, TaskResult

NULL_CONTROLS = (MAJORITY, LENGTH)
"""Controls that know nothing of words; the others are baselines, scores to beat."""


def numbers(results: Sequence[TaskResult]) -> list[Number]:
    """Each task's summary first, then the accuracies of every readout and control."""
    summaries = [number for result in results for number in _summary(result)]
    return summaries + [number for result in results for number in _accuracies(result)]


def _summary(result: TaskResult) -> Iterator[Number]:
    scores, name = result.scores, result.best_control.first
    yield _number("accuracy of the chosen readout", scores.best_readout.score, result, name)
    for label, paired_test in (
        ("gain over the best control", result.best_control),
        ("gain over the most frequent label", result.majority),
        ("gain over layer 0", result.first_layer),
        ("gain over the last layer", result.last_layer),
        ("gain of layer 0 over the last layer", result.first_to_last),
        ("gain of mean over cls", result.mean_to_cls),
    ):
        yield _gain(label, paired_test, result)
    yield _number("selectivity", scores.selectivity.value, result, name)
    first_words, shuffled = scores.first_word_accuracy, scores.shuffled_accuracy
    yield _number("accuracy by first word", first_words, result, name, control=True)
    yield _number("accuracy on shuffled labels", shuffled, result, name, control=True)
    if scores.code is not None:
        n = sum(block.rows for block in scores.code.blocks)
        place: dict[str, str | int] = {"task": result.name, "readout": name, "rows": n}
        yield Number.of("compression", scores.code.compression, place)
        yield Number.of("bits a label", _divided(scores.code.bits, n), place)
        yield _frequency_compression(result)


def _accuracies(result: TaskResult) -> Iterator[Number]:
    selection = result.scores.selection
    for i, (name, accuracy) in enumerate(zip(selection.names, selection.scores, strict=True)):
        place = {"task": result.name, "readout": name, "part": _part(result)}
        null = name in NULL_CONTROLS
        baseline = i in result.scores.controls and not null
        yield Number.of("accuracy", accuracy, place, control=null, baseline=baseline)


def _number(
    name: str, estimate: Estimate, result: TaskResult, readout: str, *, control: bool = False
) -> Number:
    place = {"task": result.name, "readout": readout, "part": _part(result)}
    return Number.of(name, estimate, place, control=control)


def _part(result: TaskResult) -> str:
    return result.scores.task.folds.part


def _gain(name: str, paired_test: PairedTest, result: TaskResult) -> Number:
    estimate = paired_test.difference.value
    place = {
        "task": result.name,
        "readout": paired_test.first,
        "less": paired_test.second,
        "part": _part(result),
    }
    note = "" if paired_test.sign else "no difference that these data can show"
    return Number.of(name, estimate, place, note=estimate.note or note)


def _divided(estimate: Estimate, by: float) -> Estimate:
    ends = (estimate.value, estimate.low, estimate.high)
    value, low, high = (None if x is None else x / by for x in ends)
    return Estimate(value, low, high, estimate.note)


def _frequency_compression(result: TaskResult) -> Number:
    """The labels' compression by their frequencies alone: log₂ K over their entropy."""
    task = result.scores.task
    counts = np.bincount(task.targets[task.folds.choice_rows])
    shares = counts[counts > 0] / counts.sum()
    value = float(np.log2(len(shares)) / -(shares @ np.log2(shares)))
    place = {"task": result.name}
    return Number("compression by the labels' frequencies", value, where=place, control=True)
