"""The scores of a comparison's trainings, the readout that they choose, and the differences."""

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
from poolwise.tuning.records import FrozenProbe, Scores, TrainingResult, TuningRuns
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import parse_trainable

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

FROZEN = "frozen"
REFERENCES = ("cls@-1", "pooler", "declared", "mean@-1")
"""The first of these that takes part is what the others are compared with."""

NOT_FINITE = "a training gave outputs that are not finite"

Labels = dict[str, str | int]
"""A number's place in a report: readout, n, part."""

_Cell = tuple[str, int]
"""Readout and size."""


def versus(readout: str, other: str, n: int) -> str:
    """A comparison's name."""
    return f"{readout} less {other}, n = {n:,}"


@dataclass(frozen=True)
class TuningAnalysis:
    """Every readout, size and seed of ``runs``, on the test rows of ``task``.

    The readout is chosen on dev and compared once, on test, with the reference, which it replaces
    only if it is shown to be better. A family of comparisons is those of one size.
    """

    encoder: Encoder
    task: TuningTask
    runs: TuningRuns

    @cached_property
    def results(self) -> Mapping[_Cell, Sequence[TrainingResult]]:
        """Of each readout and size, in order of seeds. Raises StudyError where one is missing."""
        if not self.runs.results:
            raise StudyError(f"{self.task.name}: no training was made; there is nothing to compare")
        results: dict[_Cell, list[TrainingResult]] = {}
        for result in sorted(self.runs.results, key=lambda result: result.run.seed):
            results.setdefault((result.run.readout, result.run.n), []).append(result)
        seeds = {cell: [result.run.seed for result in group] for cell, group in results.items()}
        expected = next(iter(seeds.values()))
        for (readout, n), actual in seeds.items():
            if actual != expected:
                raise StudyError(
                    f"{readout} was trained on {n:,} rows with the seeds {actual}, another with "
                    f"{expected}; a comparison needs the same for all: resume it"
                )
        return results

    @cached_property
    def _probes(self) -> Mapping[_Cell, Sequence[FrozenProbe]]:
        probes: dict[_Cell, list[FrozenProbe]] = {}
        for probe in sorted(self.runs.probes, key=lambda probe: probe.seed):
            probes.setdefault((probe.readout, probe.n), []).append(probe)
        return probes

    @cached_property
    def readouts(self) -> Sequence[str]:
        """Their specs, in the order given."""
        return list(dict.fromkeys(result.run.readout for result in self.runs.results))

    @cached_property
    def sizes(self) -> Sequence[int]:
        return sorted({n for _, n in self.results})

    @property
    def largest_size(self) -> int:
        """The verdict is about this size."""
        return self.sizes[-1]

    @cached_property
    def n_seeds(self) -> int:
        return len(next(iter(self.results.values())))

    def dev_score(self, readout: str, n: int) -> float:
        """Mean over seeds of the best epochs' scores on dev."""
        return float(np.mean([result.dev_score for result in self.results[readout, n]]))

    @cached_property
    def best_on_dev(self) -> str:
        """At the largest size."""
        return max(self.readouts, key=lambda name: self.dev_score(name, self.largest_size))

    @cached_property
    def reference(self) -> str:
        """The first of ``REFERENCES`` that takes part, in whatever spelling; else the first one."""
        declared = self.encoder.declared
        own = str(without_l2(declared)) if declared is not None else "mean@-1"
        for spec in REFERENCES:
            wanted = canonical_key(parse(own if spec == "declared" else spec), self.encoder)
            for name in self.readouts:
                if self._identity(name) == wanted:
                    return name
        return self.readouts[0]

    @cached_property
    def chosen(self) -> str:
        """The best on dev where test shows it to be better than the reference, else that."""
        best, n = self.best_on_dev, self.largest_size
        if best == self.reference:
            return self.reference
        better = self.readout_comparisons[n].sign(versus(best, self.reference, n)) == 1
        return best if better else self.reference

    @cached_property
    def first_token(self) -> str:
        """The readout of the first token that other tokens are compared with, or ""."""
        return max(self._single_tokens("cls"), key=self._layer, default="")

    @cached_property
    def other_tokens(self) -> Sequence[str]:
        """Readouts of other single tokens, at the layer of ``first_token``."""
        if not self.first_token:
            return []
        layer = self._layer(self.first_token)
        return [name for name in self._single_tokens("token", "sep") if self._layer(name) == layer]

    @cached_property
    def tuned_scores(self) -> Mapping[_Cell, Estimate]:
        """Each readout's score on test, at each size."""
        return {cell: _mean(_table(group), self._groups) for cell, group in self.results.items()}

    @cached_property
    def frozen_scores(self) -> Mapping[_Cell, Estimate]:
        """The same of the probes on frozen vectors, where there are any."""
        return {cell: _mean(_table(group), self._groups) for cell, group in self._probes.items()}

    @cached_property
    def readout_comparisons(self) -> Mapping[int, ComparisonFamily]:
        """At each size: readouts less the reference, and other tokens less the first."""
        return {n: ComparisonFamily([*self._compare_readouts(n)]) for n in self.sizes}

    @cached_property
    def gain_comparisons(self) -> Mapping[int, ComparisonFamily]:
        """At each size: fine-tuned less frozen."""
        return {n: ComparisonFamily([*self._compare_with_frozen(n)]) for n in self.sizes}

    def _compare_readouts(self, n: int) -> Iterator[Comparison]:
        pairs = [(name, self.reference) for name in self.readouts if name != self.reference]
        pairs += [(name, self.first_token) for name in self.other_tokens]
        for name, other in dict.fromkeys(pairs):
            scores, against = (_table(self.results[readout, n]) for readout in (name, other))
            difference = _difference(scores, against, self._groups)
            labels: Labels = {"readout": name, "against": other, "n": n, "part": "test"}
            yield Comparison(versus(name, other, n), difference, labels)

    def _compare_with_frozen(self, n: int) -> Iterator[Comparison]:
        for name in self.readouts:
            if (name, n) in self._probes:
                tuned, frozen = _table(self.results[name, n]), _table(self._probes[name, n])
                labels: Labels = {"readout": name, "against": FROZEN, "n": n, "part": "test"}
                difference = _difference(tuned, frozen, self._groups)
                yield Comparison(versus(name, FROZEN, n), difference, labels)

    @property
    def _groups(self) -> RowIndices:
        """Equal numbers for rows of test that are one text, [m]."""
        return self.task.groups[self.task.splits.test]

    def _identity(self, name: str) -> tuple[object, ...] | None:
        """What identifies a readout in any spelling; None if it has parameters of its own."""
        trainable = parse_trainable(name, self.encoder.depth)
        return None if trainable.learns else canonical_key(trainable.initial, self.encoder)

    def _single_tokens(self, *kinds: str) -> list[str]:
        """The readouts of one token of one layer, without parameters of their own."""
        depth = self.encoder.depth
        trainables = {name: parse_trainable(name, depth) for name in self.readouts}
        return [
            name
            for name, trainable in trainables.items()
            if not trainable.learns
            and trainable.initial.pool.kind in kinds
            and len(trainable.initial.layer_indices(depth)) == 1
        ]

    def _layer(self, name: str) -> int:
        depth = self.encoder.depth
        (layer,) = parse_trainable(name, depth).initial.layer_indices(depth)
        return layer


def _table(group: Sequence[TrainingResult] | Sequence[FrozenProbe]) -> Scores:
    """[seeds, rows of test]."""
    return np.stack([result.test_scores for result in group])


def _mean(scores: Scores, groups: RowIndices) -> Estimate:
    if np.isfinite(scores).all():
        return crossed_effects_mean(scores, groups)
    return Estimate(None, note=NOT_FINITE)


def _difference(scores: Scores, against: Scores, groups: RowIndices) -> Difference:
    if np.isfinite(scores).all() and np.isfinite(against).all():
        return crossed_effects_difference(scores, against, groups)
    return Difference(Estimate(None, note=NOT_FINITE), np.nan)
