"""The numbers of a finding, task by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Number
from poolwise.statistics.estimate import Estimate
from poolwise.studies.probing.paired_tests import PairedTest, TaskResult


def numbers(answers: Sequence[TaskResult]) -> list[Number]:
    """What is said of each task first, then every readout and control."""
    said = [number for answer in answers for number in _said(answer)]
    return said + [number for answer in answers for number in _scores(answer)]


def _said(answer: TaskResult) -> Iterator[Number]:
    e, task = answer.evidence, answer.name
    name = answer.control.first
    yield _number("accuracy of the chosen readout", e.selection.test_scores[e.chosen], task, name)
    for what, duel in (
        ("gain over the best control", answer.control),
        ("gain over the most frequent label", answer.chance),
        ("gain over layer 0", answer.start),
        ("gain over the last layer", answer.end),
        ("gain of layer 0 over the last layer", answer.sides),
        ("gain of mean over cls", answer.pool),
    ):
        yield _gain(what, duel, task)
    yield _number("selectivity", e.selectivity.value, task, name)
    yield _number("accuracy by first word", e.on_first_words, task, name, control=True)
    yield _number("accuracy on shuffled labels", e.on_shuffled, task, name, control=True)
    if e.code is not None:
        n = sum(block.rows for block in e.code.blocks)
        yield _number("compression", e.code.compression, task, name, part="train")
        yield _number("bits a label", _divided(e.code.bits, n), task, name, part="train")
        yield _frequencies(answer)


def _scores(answer: TaskResult) -> Iterator[Number]:
    selection = answer.evidence.selection
    for i, name in enumerate(selection.names):
        control = i in answer.evidence.controls
        for part, found in (("test", selection.test_scores[i]), ("dev", selection.dev_scores[i])):
            yield _number("accuracy", found, answer.name, name, part=part, control=control)


def _number(
    name: str,
    found: Estimate,
    task: str,
    readout: str,
    *,
    part: str = "test",
    control: bool = False,
) -> Number:
    where = {"task": task, "readout": readout, "part": part}
    return Number(name, found.value, found.low, found.high, where, control, found.note)


def _gain(name: str, duel: PairedTest, task: str) -> Number:
    found = duel.difference.value
    where = {"task": task, "readout": duel.first, "less": duel.second, "part": "test"}
    note = "" if duel.sign else "no difference that these data can show"
    return Number(name, found.value, found.low, found.high, where, note=found.note or note)


def _divided(found: Estimate, by: float) -> Estimate:
    value, low, high = (None if x is None else x / by for x in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.note)


def _frequencies(answer: TaskResult) -> Number:
    """What labels compress to by their frequencies alone: log₂ K over their entropy."""
    task = answer.evidence.task
    counts = np.bincount(task.targets[task.splits.train])
    shares = counts[counts > 0] / counts.sum()
    value = float(np.log2(len(shares)) / -(shares @ np.log2(shares)))
    where = {"task": answer.name, "part": "train"}
    return Number("compression by the labels' frequencies", value, where=where, control=True)
