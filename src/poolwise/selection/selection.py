"""The selection of a readout: candidates scored on one task, chosen on dev, reported on test."""

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
"""The readouts that people take without measuring: first what the model's folder declares."""


@dataclass(frozen=True)
class Selection:
    """Candidates on one task: c ``readouts``, then b ``baselines``.

    ``row_scores`` float64 [n, c + b]: each candidate's score on each row of the task.
    ``dimensions`` [c + b]: widths of their vectors. The choice is made on dev among the readouts
    alone; every other number is of test.
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
        """Of all candidates, [c + b]."""
        return [*map(str, self.readouts), *self.baselines]

    @cached_property
    def dev_scores(self) -> Sequence[Estimate]:
        """Each candidate's score on dev, [c + b]."""
        return self.task.measure(self.row_scores, self.task.splits.dev).estimates()

    @cached_property
    def test_scores(self) -> Sequence[Estimate]:
        """Each candidate's score on test, [c + b]."""
        return self._test_measure.estimates()

    @cached_property
    def best_index(self) -> int:
        """The readout of the highest score on dev. Raises StudyError where no readout has one."""
        scores = [sort_value(e) for e in self.dev_scores[: len(self.readouts)]]
        if max(scores) == -np.inf:
            raise StudyError(
                f"{self.task.name}: no readout has a {self.task.score} on the dev rows; every "
                "vector is the same"
            )
        return int(np.argmax(scores))

    @cached_property
    def tied(self) -> NDArray[np.bool_]:
        """Whether each readout is not significantly worse than the best on dev, after Holm; [c]."""
        measure = self.task.measure(self.row_scores[:, : len(self.readouts)], self.task.splits.dev)
        return not_significantly_worse(
            paired_differences(*measure.influences(), self.best_index, measure.groups)
        )

    @cached_property
    def chosen_index(self) -> int:
        """The best on dev, or a reference readout that is tied with it: nobody should change for
        a difference that may be chance."""
        for name in REFERENCE_READOUTS:
            index = self.references.get(name)
            if index is not None and self.tied[index]:
                return index
        return self.best_index

    def differences_from(self, index: int) -> Sequence[Difference]:
        """Each candidate's score on test less candidate ``index``'s, paired by row, [c + b]."""
        if index not in self._differences:
            self._differences[index] = paired_differences(
                *self._influences, index, self._test_measure.groups
            )
        return self._differences[index]

    @cached_property
    def _differences(self) -> dict[int, Sequence[Difference]]:
        """By index: every chain of steps is compared with the same few readouts."""
        return {}

    @cached_property
    def _test_measure(self) -> Measure:
        return self.task.measure(self.row_scores, self.task.splits.test)

    @cached_property
    def _influences(self) -> tuple[Array, Array]:
        return self._test_measure.influences()

    @cached_property
    def all_rows_scores(self) -> Sequence[Estimate | None]:
        """Each candidate's score on all rows, as published figures are, [c + b].

        None for baselines, and where a step or a probe is fitted on some of the rows.
        """
        rows = np.arange(len(self.row_scores))
        unfitted = [
            i
            for i, readout in enumerate(self.readouts)
            if not (readout.needs_fit or self.task.learns)
        ]
        scores: list[Estimate | None] = [None] * len(self.names)
        estimates = self.task.measure(self.row_scores[:, unfitted], rows).estimates()
        for i, estimate in zip(unfitted, estimates, strict=True):
            scores[i] = estimate
        return scores

    def find(self, readout: str | Readout) -> int | None:
        """The index of this readout, however its layers are written; None if it is no candidate."""
        key = canonical_key(_parsed(readout), self.encoder)
        keys = (canonical_key(candidate, self.encoder) for candidate in self.readouts)
        return next((i for i, candidate_key in enumerate(keys) if candidate_key == key), None)

    @property
    def references(self) -> Mapping[str, int]:
        """The indices of the readouts to compare with: the reference readouts and [CLS]."""
        indices = {name: self.find_up_to_l2(name) for name in ("mean@-1", "cls@-1")}
        if self.encoder.declared is not None:
            indices["declared"] = self.find_up_to_l2(self.encoder.declared)
        return {name: index for name, index in indices.items() if index is not None}

    def find_up_to_l2(self, readout: str | Readout) -> int | None:
        """The index of this readout, or else of the same with or without a last ``l2``."""
        exact = _parsed(readout)
        indices = map(self.find, (exact, with_l2(exact), without_l2(exact)))
        return next((index for index in indices if index is not None), None)

    @property
    def ranking(self) -> list[int]:
        """The indices of all candidates, best on dev first, those without a score last, [c + b]."""
        return sorted(range(len(self.names)), key=lambda i: -sort_value(self.dev_scores[i]))

    def cost(self, index: int) -> float:
        """Share of the encoder's blocks that a candidate needs, 0 … 1; baselines need none."""
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
    """Score every readout, and every baseline's vectors [texts of the cache, d], on the task."""
    baselines = baselines or {}
    row_scores = np.empty((len(task), len(readouts) + len(baselines)))

    def score(i: int) -> None:
        readout = readouts[i]
        row_scores[:, i] = task.row_scores(cache, cache[str(readout.pooled)], readout)

    bar = Progress(f"readouts on {task.name}", len(readouts), show=progress)
    with bar, ThreadPoolExecutor(cores()) as workers:
        for _ in workers.map(score, range(len(readouts))):
            bar.advance(1)
    for i, vectors in enumerate(baselines.values(), len(readouts)):
        row_scores[:, i] = task.row_scores(cache, vectors)
    widths = [encoder.width_of(r) for r in readouts]
    widths += [vectors.shape[1] for vectors in baselines.values()]
    return Selection(encoder, task, cache, readouts, tuple(baselines), widths, row_scores)


def sort_value(estimate: Estimate) -> float:
    """The estimate's value as a sort key: −∞ where it is undefined."""
    return -np.inf if estimate.value is None else estimate.value


def step_pairs(selection: Selection) -> Iterator[tuple[int, int]]:
    """Indices of readouts with steps, and of the same without steps (but a last ``l2``)."""
    for i, readout in enumerate(selection.readouts):
        if readout.steps:
            plain = selection.find_up_to_l2(readout.pooled)
            if plain is not None and plain != i:
                yield i, plain


def _parsed(readout: str | Readout) -> Readout:
    return parse(readout) if isinstance(readout, str) else readout
