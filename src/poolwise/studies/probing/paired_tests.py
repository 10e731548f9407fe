"""Two contenders chosen on dev, held against each other on test; over all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from poolwise.selection.charts import cleared
from poolwise.statistics.paired import Difference
from poolwise.studies.probing.scores import ProbingScores

Place = Literal["low", "middle", "high", ""]

HALF = 0.5
"""Of the gain over chance: an end of the encoder that keeps less is not where a task is read."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The score of ``first`` less that of ``second``; ``clear``: not 0, after Holm."""

    first: str
    second: str
    difference: Difference
    clear: bool

    @property
    def sign(self) -> int:
        """1 where the first is better, −1 where the second is, 0 where it cannot be told."""
        change = self.difference.value.value
        return 0 if not self.clear or not change else 1 if change > 0 else -1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What one task says. Each kind of duel is one family over all tasks.

    ``control``: the chosen readout and the best control. ``chance``: it and the most frequent
    label. ``start`` and ``end``: it and the best of layer 0, and of the last layer; ``sides``:
    these two. ``pool``: the best mean and the best cls. ``layers``: those whose best readout is
    better than the best control and the most frequent label. ``leaks``: shuffled labels are named
    better than by the most frequent one.
    """

    evidence: ProbingScores
    control: PairedTest
    chance: PairedTest
    start: PairedTest
    end: PairedTest
    sides: PairedTest
    pool: PairedTest
    layers: Sequence[int]
    leaks: bool

    @property
    def name(self) -> str:
        return self.evidence.task.name

    @property
    def place(self) -> Place:
        """Where the task is read best; nowhere where neither end is worse, or all is chance."""
        if self.chance.sign <= 0:
            return ""
        after_start, before_end = self.start.sign > 0, self.end.sign > 0
        if not (after_start or before_end):
            return ""
        if after_start and before_end and not (self.sides.sign and self._kept >= HALF):
            return "middle"
        if self.sides.sign:
            return "low" if self.sides.sign > 0 else "high"
        return "low" if before_end else "high"

    @property
    def _kept(self) -> float:
        """The share of the gain over chance that the better end keeps."""
        gain = self.chance.difference.value.value or 0.0
        losses = [duel.difference.value.value or 0.0 for duel in (self.start, self.end)]
        return 1 - min(losses) / gain if gain else 0.0


def judge(evidence: Sequence[ProbingScores]) -> list[TaskResult]:
    """Everything that is said of the tasks."""
    depth, n = evidence[0].selection.encoder.depth, len(evidence)
    controls = _family([(e, e.chosen, e.best_control) for e in evidence])
    chances = _family([(e, e.chosen, e.majority) for e in evidence])
    ends = _family(
        [(e, e.chosen, e.best(e.in_layer(layer))) for layer in (0, depth) for e in evidence]
    )
    sides = _family([(e, e.best(e.in_layer(0)), e.best(e.in_layer(depth))) for e in evidence])
    pools = _family([(e, e.best(e.of_pool("mean")), e.best(e.of_pool("cls"))) for e in evidence])
    layers = _family(
        [
            (e, e.best(e.in_layer(layer)), rival)
            for e in evidence
            for layer in range(depth + 1)
            for rival in (e.best_control, e.majority)
        ]
    )
    wins = np.array([duel.sign > 0 for duel in layers]).reshape(n, depth + 1, 2)
    leaks = cleared([e.over_majority for e in evidence])
    return [
        TaskResult(
            evidence=e,
            control=controls[i],
            chance=chances[i],
            start=ends[i],
            end=ends[n + i],
            sides=sides[i],
            pool=pools[i],
            layers=np.flatnonzero(wins[i].all(axis=1)).tolist(),
            leaks=leaks[i] and (e.over_majority.value.value or 0) > 0,
        )
        for i, e in enumerate(evidence)
    ]


def _family(pairs: Sequence[tuple[ProbingScores, int, int]]) -> list[PairedTest]:
    """The first of each pair less the second, on test; Holm over all of them."""
    found = [e.selection.differences_from(second)[first] for e, first, second in pairs]
    return [
        PairedTest(e.selection.names[first], e.selection.names[second], difference, clear)
        for (e, first, second), difference, clear in zip(pairs, found, cleared(found), strict=True)
    ]
