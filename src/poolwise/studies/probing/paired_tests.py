"""Paired tests of readouts and controls, each chosen without the rows that it is compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from poolwise.selection.charts import cleared
from poolwise.selection.choice import Choice
from poolwise.statistics.paired import Difference
from poolwise.studies.probing.scores import ProbingScores

DepthRange = Literal["low", "middle", "high", ""]

MIN_SHARE = 0.5
"""Of the gain over the most frequent label: a task is best in the first or last layer only where
that layer's readouts reach this share of it."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The score of ``first`` less that of ``second``; ``significant`` after Holm's correction."""

    first: str
    second: str
    difference: Difference
    significant: bool

    @property
    def sign(self) -> int:
        """1 where the first is better, -1 where the second is, 0 without a significant
        difference."""
        change = self.difference.value.value
        return 0 if not self.significant or not change else 1 if change > 0 else -1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The paired tests of one task. Holm corrects each kind of test over all tasks.

    The best readout is compared with the ``best_control``, with the most frequent label
    (``majority``), and with the best readouts of the ``first_layer`` and the ``last_layer``;
    ``first_to_last`` compares these two, ``mean_to_cls`` the best mean with the best cls.
    ``layers``: those whose best readout beats the best control and the most frequent label.
    ``selective``: the best readout's probe predicts the labels better than the control tasks'.
    ``leaks``: the probe predicts shuffled labels better than the most frequent label does.
    """

    scores: ProbingScores
    best_control: PairedTest
    majority: PairedTest
    first_layer: PairedTest
    last_layer: PairedTest
    first_to_last: PairedTest
    mean_to_cls: PairedTest
    layers: Sequence[int]
    leaks: bool
    selective: bool

    @property
    def name(self) -> str:
        """The task's name."""
        return self.scores.task.name

    @property
    def best_depth(self) -> DepthRange:
        """Where in the encoder the task scores best; empty where neither the first nor the last
        layer is worse, and where no readout beats the most frequent label."""
        if self.majority.sign <= 0:
            return ""
        after_first, before_last = self.first_layer.sign > 0, self.last_layer.sign > 0
        if not (after_first or before_last):
            return ""
        ends_differ = bool(self.first_to_last.sign)
        if after_first and before_last and not (ends_differ and self._end_share >= MIN_SHARE):
            return "middle"
        if ends_differ:
            return "low" if self.first_to_last.sign > 0 else "high"
        return "low" if before_last else "high"

    @property
    def _end_share(self) -> float:
        """The share of the gain over the most frequent label that the better of the first and the
        last layer reaches."""
        gain = self.majority.difference.value.value or 0.0
        ends = (self.first_layer, self.last_layer)
        losses = [paired_test.difference.value.value or 0.0 for paired_test in ends]
        return 1 - min(losses) / gain if gain else 0.0


def compare_tasks(scores: Sequence[ProbingScores]) -> list[TaskResult]:
    """A result a task; every kind of test is one family over all tasks."""
    depth, n = scores[0].selection.encoder.depth, len(scores)
    controls = _paired_tests([(s.best_readout, s.best_control) for s in scores])
    majorities = _paired_tests([(s.best_readout, s.most_frequent) for s in scores])
    ends = _paired_tests(
        [(s.best_readout, s.best(s.in_layer(layer))) for layer in (0, depth) for s in scores]
    )
    first_to_last = _paired_tests(
        [(s.best(s.in_layer(0)), s.best(s.in_layer(depth))) for s in scores]
    )
    mean_to_cls = _paired_tests(
        [(s.best(s.of_pool("mean")), s.best(s.of_pool("cls"))) for s in scores]
    )
    layers = _paired_tests(
        [
            (s.best(s.in_layer(layer)), control)
            for s in scores
            for layer in range(depth + 1)
            for control in (s.best_control, s.most_frequent)
        ]
    )
    wins = np.array([test.sign > 0 for test in layers]).reshape(n, depth + 1, 2)
    leaks = cleared([s.shuffled_gain for s in scores])
    selective = cleared([s.selectivity for s in scores])
    return [
        TaskResult(
            scores=s,
            best_control=controls[i],
            majority=majorities[i],
            first_layer=ends[i],
            last_layer=ends[n + i],
            first_to_last=first_to_last[i],
            mean_to_cls=mean_to_cls[i],
            layers=np.flatnonzero(wins[i].all(axis=1)).tolist(),
            leaks=leaks[i] and (s.shuffled_gain.value.value or 0) > 0,
            selective=selective[i] and (s.selectivity.value.value or 0) > 0,
        )
        for i, s in enumerate(scores)
    ]


def _paired_tests(pairs: Sequence[tuple[Choice, Choice]]) -> list[PairedTest]:
    """The first of each pair less the second; Holm over all of them."""
    differences = [first.less(second) for first, second in pairs]
    names = [[choice.selection.names[choice.index] for choice in pair] for pair in pairs]
    return [
        PairedTest(first, second, difference, significant)
        for (first, second), difference, significant in zip(
            names, differences, cleared(differences), strict=True
        )
    ]
