"""Many readouts on one task: the best on dev, who cannot be told from it, and what test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.errors import StudyError
from poolwise.progress import Progress
from poolwise.readouts import Readout, parse
from poolwise.records import Floats
from poolwise.selection.grid import canonical_key, with_l2, without_l2
from poolwise.selection.scores import Measure
from poolwise.selection.tasks import Task
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference, not_significantly_worse, paired_differences

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Array = NDArray[np.float64]

REFERENCE_READOUTS = ("declared", "mean@-1")
"""What people take without measuring, first what the model's folder declares."""


@dataclass(frozen=True)
class Selection:
    """Contenders on one task. ``row_scores`` [n, c + b]: c readouts, then b baselines, whose vectors
    have so many ``dimensions``.

    The choice is made on dev among the readouts alone; everything else is said of test.
    """

    encoder: Encoder
    task: Task
    cache: VectorCache
    readouts: Sequence[Readout]
    baselines: Sequence[str]
    dimensions: Sequence[int]
    row_scores: Array

    @property
    def names(self) -> list[str]:
        """Of all contenders."""
        return [*map(str, self.readouts), *self.baselines]

    @cached_property
    def dev_scores(self) -> Sequence[Estimate]:
        """Each contender's score on dev."""
        return self.task.measure(self.row_scores, self.task.splits.dev).estimates()

    @cached_property
    def test_scores(self) -> Sequence[Estimate]:
        """Each contender's score on test."""
        return self._test_measure.estimates()

    @cached_property
    def best_index(self) -> int:
        """The readout of the highest score on dev."""
        scores = [sort_value(e) for e in self.dev_scores[: len(self.readouts)]]
        if max(scores) == -np.inf:
            raise StudyError(
                f"{self.task.name}: no readout has a {self.task.score} on the dev rows; every "
                "vector is the same"
            )
        return int(np.argmax(scores))

    @cached_property
    def tied(self) -> NDArray[np.bool_]:
        """Whether each readout cannot be told from the best one on dev, after Holm; [c]."""
        measure = self.task.measure(self.row_scores[:, : len(self.readouts)], self.task.splits.dev)
        return not_significantly_worse(
            paired_differences(*measure.influences(), self.best_index, measure.groups)
        )

    @cached_property
    def chosen_index(self) -> int:
        """The best on dev, unless a usual readout cannot be told from it: nobody should change
        for a difference that may be chance."""
        for name in REFERENCE_READOUTS:
            place = self.references.get(name)
            if place is not None and self.tied[place]:
                return place
        return self.best_index

    def differences_from(self, index: int) -> Sequence[Difference]:
        """Every contender less this one on test, paired by row."""
        if index not in self._differences:
            self._differences[index] = paired_differences(
                *self._influences, index, self._test_measure.groups
            )
        return self._differences[index]

    @cached_property
    def _differences(self) -> dict[int, Sequence[Difference]]:
        """What was compared before: the same is asked for of every chain of steps."""
        return {}

    @cached_property
    def _test_measure(self) -> Measure:
        return self.task.measure(self.row_scores, self.task.splits.test)

    @cached_property
    def _influences(self) -> tuple[Array, Array]:
        return self._test_measure.influences()

    @cached_property
    def all_rows_scores(self) -> Sequence[Estimate | None]:
        """Each readout's score on all rows, as published figures are; None where something was
        learned on some of them."""
        rows = np.arange(len(self.row_scores))
        untaught = [
            i
            for i, readout in enumerate(self.readouts)
            if not (readout.needs_fit or self.task.learns)
        ]
        found: list[Estimate | None] = [None] * len(self.names)
        measured = self.task.measure(self.row_scores[:, untaught], rows).estimates()
        for i, estimate in zip(untaught, measured, strict=True):
            found[i] = estimate
        return found

    def find(self, readout: str | Readout) -> int | None:
        """Where this readout takes part, however its layers are written."""
        asked = parse(readout) if isinstance(readout, str) else readout
        wanted = canonical_key(asked, self.encoder)
        for i, one in enumerate(self.readouts):
            if canonical_key(one, self.encoder) == wanted:
                return i
        return None

    @property
    def references(self) -> Mapping[str, int]:
        """Where the readouts to compare with take part: the usual ones and [CLS]."""
        found = {"mean@-1": self.find_up_to_l2("mean@-1"), "cls@-1": self.find_up_to_l2("cls@-1")}
        if self.encoder.declared is not None:
            found["declared"] = self.find_up_to_l2(self.encoder.declared)
        return {name: place for name, place in found.items() if place is not None}

    def find_up_to_l2(self, readout: str | Readout) -> int | None:
        """Where this readout takes part as it is, or else with or without a last ``l2``."""
        asked = parse(readout) if isinstance(readout, str) else readout
        places = map(self.find, (asked, with_l2(asked), without_l2(asked)))
        return next((place for place in places if place is not None), None)

    @property
    def ranking(self) -> list[int]:
        """All contenders, best on dev first, those without a score last."""
        return sorted(range(len(self.names)), key=lambda i: -sort_value(self.dev_scores[i]))

    def cost(self, index: int) -> float:
        """Share of the encoder's blocks that the readout needs, 0 … 1; baselines need none."""
        if index >= len(self.readouts):
            return 0.0
        depth = self.encoder.depth
        return max(self.readouts[index].layer_indices(depth)) / max(depth, 1)


def score_readouts(
    encoder: Encoder,
    task: Task,
    readouts: Sequence[Readout],
    cache: VectorCache,
    baselines: Mapping[str, Floats] | None = None,
    *,
    progress: bool = False,
) -> Selection:
    """Score every readout, and every baseline's vectors [texts of the shelf, d], on the task."""
    others = baselines or {}
    columns = np.empty((len(task), len(readouts) + len(others)))

    def one(job: tuple[int, Readout]) -> None:
        i, readout = job
        columns[:, i] = task.column(cache, cache[str(readout.pooled)], readout)

    bar = Progress(f"readouts on {task.name}", len(readouts), show=progress)
    with bar, ThreadPoolExecutor(cores()) as workers:
        for _ in workers.map(one, enumerate(readouts)):
            bar.advance(1)
    for i, vectors in enumerate(others.values(), len(readouts)):
        columns[:, i] = task.column(cache, vectors)
    widths = [encoder.width_of(r) for r in readouts]
    widths += [vectors.shape[1] for vectors in others.values()]
    return Selection(encoder, task, cache, readouts, tuple(others), widths, columns)


def sort_value(estimate: Estimate) -> float:
    """For ordering: what is undefined comes last."""
    return -np.inf if estimate.value is None else estimate.value


def step_pairs(selection: Selection) -> Iterator[tuple[int, int]]:
    """Readouts with steps, each with the same readout without; where all normalise, so does it."""
    for i, readout in enumerate(selection.readouts):
        if readout.steps:
            plain = selection.find_up_to_l2(readout.pooled)
            if plain is not None and plain != i:
                yield i, plain
