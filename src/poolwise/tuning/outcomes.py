"""The trainings of a comparison side by side: what each scored, who is compared with whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.selection.grid import canonical_key, without_l2
from poolwise.selection.splits import RowIndices
from poolwise.statistics.crossed_effects import crossed_effects_difference, crossed_effects_mean
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference
from poolwise.tuning.records import Frozen, Runs, Scores, Trial
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import tunable

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

FROZEN = "frozen"
USUAL = ("cls@-1", "pooler", "declared", "mean@-1")
"""What the others are compared with: the first of these that takes part."""

NOT_FINITE = "a training gave outputs that are not finite"

Where = dict[str, str | int]
"""Places a number in a report."""

_Key = tuple[str, int]


def versus(name: str, other: str, n: int) -> str:
    """A comparison's name."""
    return f"{name} less {other}, n = {n:,}"


@dataclass(frozen=True)
class Outcomes:
    """Every readout, size and seed of ``runs``, on the test rows of ``task``.

    The readout is chosen on dev and compared once, on test, with the reference: what is kept
    unless the choice is shown to be better. Families of comparisons are those of one size.
    """

    encoder: Encoder
    task: Task
    runs: Runs

    @cached_property
    def trials(self) -> Mapping[_Key, Sequence[Trial]]:
        """Of each readout and size, in order of seeds. Raises StudyError where one is missing."""
        if not self.runs.trials:
            raise StudyError(f"{self.task.name}: no training was made; there is nothing to compare")
        found: dict[_Key, list[Trial]] = {}
        for one in sorted(self.runs.trials, key=lambda one: one.setting.seed):
            found.setdefault((one.setting.readout, one.setting.n), []).append(one)
        seeds = {key: [one.setting.seed for one in group] for key, group in found.items()}
        for (readout, n), own in seeds.items():
            if own != next(iter(seeds.values())):
                raise StudyError(
                    f"{readout} was trained on {n:,} rows with the seeds {own}, another with "
                    f"{next(iter(seeds.values()))}; a comparison needs the same for all: resume it"
                )
        return found

    @cached_property
    def _frozen(self) -> Mapping[_Key, Sequence[Frozen]]:
        found: dict[_Key, list[Frozen]] = {}
        for one in sorted(self.runs.frozen, key=lambda one: one.seed):
            found.setdefault((one.readout, one.n), []).append(one)
        return found

    @cached_property
    def readouts(self) -> Sequence[str]:
        """As asked, in the order asked."""
        return list(dict.fromkeys(one.setting.readout for one in self.runs.trials))

    @cached_property
    def sizes(self) -> Sequence[int]:
        return sorted({n for _, n in self.trials})

    @property
    def most(self) -> int:
        """The largest size: what the verdict speaks of."""
        return self.sizes[-1]

    @cached_property
    def seeds(self) -> int:
        return len(next(iter(self.trials.values())))

    def dev(self, readout: str, n: int) -> float:
        """Mean over seeds of the best epochs' scores on dev."""
        return float(np.mean([one.dev for one in self.trials[readout, n]]))

    @cached_property
    def best(self) -> str:
        """The readout that scored best on dev, of the most rows."""
        return max(self.readouts, key=lambda name: self.dev(name, self.most))

    @cached_property
    def reference(self) -> str:
        """The first of ``USUAL`` that takes part, however it is written; else the first asked."""
        declared = self.encoder.declared
        own = str(without_l2(declared)) if declared is not None else "mean@-1"
        for usual in USUAL:
            wanted = canonical_key(parse(own if usual == "declared" else usual), self.encoder)
            for name in self.readouts:
                if self._plain(name) == wanted:
                    return name
        return self.readouts[0]

    @cached_property
    def taken(self) -> str:
        """The best on dev where test shows it to be better than the reference, else that."""
        if self.best == self.reference:
            return self.reference
        better = self.against[self.most].sign(versus(self.best, self.reference, self.most)) == 1
        return self.best if better else self.reference

    @cached_property
    def first(self) -> str:
        """The readout of the first token that other tokens are compared with, or nothing."""
        return max(self._tokens("cls"), key=self._layer, default="")

    @cached_property
    def tokens(self) -> Sequence[str]:
        """Readouts of other single tokens, at the same layer as ``first``."""
        if not self.first:
            return []
        return [
            n for n in self._tokens("token", "sep") if self._layer(n) == self._layer(self.first)
        ]

    @cached_property
    def tuned(self) -> Mapping[_Key, Estimate]:
        """Each readout's score on test, at each size."""
        return {key: _mean(_table(group), self._groups) for key, group in self.trials.items()}

    @cached_property
    def frozen(self) -> Mapping[_Key, Estimate]:
        """The same of the probes on frozen vectors, where there are any."""
        return {key: _mean(_table(group), self._groups) for key, group in self._frozen.items()}

    @cached_property
    def against(self) -> Mapping[int, ComparisonFamily]:
        """At each size: the others less the reference, and other tokens less the first."""
        return {n: ComparisonFamily([*self._against(n)]) for n in self.sizes}

    @cached_property
    def gains(self) -> Mapping[int, ComparisonFamily]:
        """At each size: fine-tuned less frozen."""
        return {n: ComparisonFamily([*self._gains(n)]) for n in self.sizes}

    def _against(self, n: int) -> Iterator[Comparison]:
        pairs = [(name, self.reference) for name in self.readouts if name != self.reference]
        pairs += [(name, self.first) for name in self.tokens]
        for name, other in dict.fromkeys(pairs):
            scores, against = (_table(self.trials[one, n]) for one in (name, other))
            difference = _difference(scores, against, self._groups)
            where: Where = {"readout": name, "against": other, "n": n, "part": "test"}
            yield Comparison(versus(name, other, n), difference, where)

    def _gains(self, n: int) -> Iterator[Comparison]:
        for name in self.readouts:
            if (name, n) in self._frozen:
                tuned, frozen = (_table(of[name, n]) for of in (self.trials, self._frozen))
                where: Where = {"readout": name, "against": FROZEN, "n": n, "part": "test"}
                difference = _difference(tuned, frozen, self._groups)
                yield Comparison(versus(name, FROZEN, n), difference, where)

    @property
    def _groups(self) -> RowIndices:
        """Which rows of test are one text, [n]."""
        return self.task.groups[self.task.splits.test]

    def _plain(self, name: str) -> tuple[object, ...] | None:
        """What is read, of a readout that learns nothing of how it reads."""
        asked = tunable(name, self.encoder.depth)
        return None if asked.learns else canonical_key(asked.readout, self.encoder)

    def _tokens(self, *kinds: str) -> list[str]:
        asked = {name: tunable(name, self.encoder.depth) for name in self.readouts}
        return [
            name
            for name, one in asked.items()
            if not one.learns
            and one.readout.pool.kind in kinds
            and len(one.readout.layer_indices(self.encoder.depth)) == 1
        ]

    def _layer(self, name: str) -> int:
        (layer,) = tunable(name, self.encoder.depth).readout.layer_indices(self.encoder.depth)
        return layer


def _table(group: Sequence[Trial] | Sequence[Frozen]) -> Scores:
    """[seeds, rows of test]."""
    return np.stack([one.scores for one in group])


def _mean(scores: Scores, groups: RowIndices) -> Estimate:
    if np.isfinite(scores).all():
        return crossed_effects_mean(scores, groups)
    return Estimate(None, note=NOT_FINITE)


def _difference(scores: Scores, against: Scores, groups: RowIndices) -> Difference:
    if np.isfinite(scores).all() and np.isfinite(against).all():
        return crossed_effects_difference(scores, against, groups)
    return Difference(Estimate(None, note=NOT_FINITE), np.nan)
