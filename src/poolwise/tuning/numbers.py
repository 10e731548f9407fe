"""The numbers of a comparison: every readout at every size, fine-tuned and frozen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poolwise.records import Number
from poolwise.selection.splits import RowIndices
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import mean_estimates
from poolwise.tuning.outcomes import FROZEN, Outcomes, Where
from poolwise.tuning.task import Task

CONSTANT = {
    "classification": "the most frequent label",
    "multilabel": "the labels of most texts",
    "regression": "the mean of train",
}
"""What an output that is the same for every text can say."""


def numbers(held: Outcomes) -> Iterator[Number]:
    """What is taken first; then scores, differences, and how each training went."""
    score, n = held.task.score, held.most
    found = held.tuned[held.taken, n]
    yield _number(f"{score} of what is taken", found, held.taken, n, "test")
    yield _constant(held)
    for name, scored in ((score, held.tuned), (f"{score}, {FROZEN}", held.frozen)):
        for readout, size in held.trials:
            if (readout, size) in scored:
                yield _number(name, scored[readout, size], readout, size, "test")
    for size in reversed(held.sizes):
        yield from held.against[size].numbers()
        yield from held.gains[size].numbers()
    for readout, size in held.trials:
        yield from _training(held, readout, size)


def constant_scores(task: Task, rows: RowIndices) -> list[float]:
    """What each of ``rows`` scores where every text gets the same, learned from train."""
    targets = task.targets[task.splits.train]
    if task.kind == "classification":
        output = np.bincount(targets, minlength=task.output_space.width).astype(np.float64)
    else:
        output = np.atleast_1d(targets.mean(axis=0, dtype=np.float64))
        output = output - 0.5 if task.kind == "multilabel" else output
    found: list[float] = task.scores(np.tile(output, (len(rows), 1)), rows).tolist()
    return found


def _constant(held: Outcomes) -> Number:
    task = held.task
    test = task.splits.test
    found = mean_estimates(np.array([constant_scores(task, test)]).T, task.groups[test])[0]
    return Number.of(
        f"{task.score} of {CONSTANT[task.kind]}", found, {"part": "test"}, control=True
    )


def _training(held: Outcomes, readout: str, n: int) -> Iterator[Number]:
    """Means over seeds, of the rate chosen."""
    trials = held.trials[readout, n]
    where: Where = {"readout": readout, "n": n}
    yield Number(held.task.score, held.dev(readout, n), where={**where, "part": "dev"})
    for rate in sorted({one.setting.rate for one in trials}):
        yield Number("learning rate chosen", rate, where=where)
    epochs = max(one.epochs for one in trials)
    best = float(np.mean([one.epoch for one in trials]))
    yield Number("best epoch", best, where=where, note=f"of {epochs} at most")
    seconds = float(np.mean([one.seconds for one in trials]))
    yield Number("seconds a training", seconds, where=where)


def _number(name: str, found: Estimate, readout: str, n: int, part: str) -> Number:
    where: Where = {"readout": readout, "n": n, "part": part}
    return Number.of(name, found, where)
