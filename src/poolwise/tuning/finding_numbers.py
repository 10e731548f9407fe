"""The numbers of the finding: every readout at every size, fine-tuned and frozen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poolwise.records import Number
from poolwise.selection.splits import RowIndices
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import mean_estimates
from poolwise.tuning.analysis import FROZEN, Labels, TuningAnalysis
from poolwise.tuning.task import TuningTask

CONSTANT = {
    "classification": "the most frequent label",
    "multilabel": "the labels of most texts",
    "regression": "the mean of train",
}
"""The best output that is the same for every text."""


def numbers(analysis: TuningAnalysis) -> Iterator[Number]:
    """The score of the chosen readout first; then scores, differences, and each training."""
    metric, chosen, largest = analysis.task.metric, analysis.chosen, analysis.largest_size
    score = analysis.tuned_scores[chosen, largest]
    yield _number(f"{metric} of what is taken", score, chosen, largest, "test")
    yield _constant(analysis)
    tables = ((metric, analysis.tuned_scores), (f"{metric}, {FROZEN}", analysis.frozen_scores))
    for name, scores in tables:
        for readout, n in analysis.results:
            if (readout, n) in scores:
                yield _number(name, scores[readout, n], readout, n, "test")
    for n in reversed(analysis.sizes):
        yield from analysis.readout_comparisons[n].numbers()
        yield from analysis.gain_comparisons[n].numbers()
    for readout, n in analysis.results:
        yield from _training(analysis, readout, n)


def constant_scores(task: TuningTask, rows: RowIndices) -> list[float]:
    """The scores [m] of ``rows`` with the best constant output on train."""
    targets = task.targets[task.splits.train]
    if task.kind == "classification":
        output = np.bincount(targets, minlength=task.output_space.width).astype(np.float64)
    else:
        output = np.atleast_1d(targets.mean(axis=0, dtype=np.float64))
        output = output - 0.5 if task.kind == "multilabel" else output
    scores: list[float] = task.scores(np.tile(output, (len(rows), 1)), rows).tolist()
    return scores


def _constant(analysis: TuningAnalysis) -> Number:
    task = analysis.task
    test = task.splits.test
    score = mean_estimates(np.array([constant_scores(task, test)]).T, task.groups[test])[0]
    return Number.of(
        f"{task.metric} of {CONSTANT[task.kind]}", score, {"part": "test"}, control=True
    )


def _training(analysis: TuningAnalysis, readout: str, n: int) -> Iterator[Number]:
    """Means over seeds, at the chosen rate."""
    results = analysis.results[readout, n]
    labels: Labels = {"readout": readout, "n": n}
    score = analysis.dev_score(readout, n)
    yield Number(analysis.task.metric, score, where={**labels, "part": "dev"})
    for rate in sorted({result.run.rate for result in results}):
        yield Number("learning rate chosen", rate, where=labels)
    epochs = max(result.epochs for result in results)
    best = float(np.mean([result.best_epoch for result in results]))
    yield Number("best epoch", best, where=labels, note=f"of {epochs} at most")
    seconds = float(np.mean([result.seconds for result in results]))
    yield Number("seconds a training", seconds, where=labels)


def _number(name: str, score: Estimate, readout: str, n: int, part: str) -> Number:
    labels: Labels = {"readout": readout, "n": n, "part": part}
    return Number.of(name, score, labels)
