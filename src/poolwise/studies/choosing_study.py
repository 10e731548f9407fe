"""What all studies that choose a readout have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Floats
from poolwise.selection.baselines import BASELINES
from poolwise.selection.cached_baselines import cached_baselines
from poolwise.selection.grid import expand_grid
from poolwise.selection.scoring import score_readouts
from poolwise.selection.screening import screened_selection
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.task import ScreenedTask, Task
from poolwise.selection.vector_cache import VectorCache
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, Dataset

DataT = TypeVar("DataT", bound=Dataset)
TaskT = TypeVar("TaskT", bound=Task)


class ChoosingStudy(ABC, Generic[DataT, TaskT]):
    """Readouts of a grid and baselines, scored on one task; keeps ``study.Selects``.

    ``baseline_names`` are rows of ``selection.baselines.BASELINES``.
    """

    name: str
    question: str
    takes: Sequence[DataKind]
    baseline_names: Sequence[str] = tuple(BASELINES)

    def __init__(self, data: DataT, task: TaskT, grid: str, seed: int) -> None:
        self.data = [data]
        self.task = task
        self.selection: Selection | None = None
        self._grid, self._seed = grid, seed
        self._readouts: list[Readout] = []

    def request(self, model: Model) -> VectorRequest:
        self._readouts = expand_grid(model, self._grid, len(set(self.task.fit_texts)))
        return self.vector_request([readout.pooled for readout in self._readouts])

    def vector_request(self, readouts: Sequence[Readout]) -> VectorRequest:
        """These readouts of the task's texts."""
        return VectorRequest(self.task.texts, readouts)

    def run(self, context: Context) -> Iterator[Finding]:
        self.selection = self.select(context)
        yield self.report(self.selection)

    def select(self, context: Context) -> Selection:
        baselines, notes = cached_baselines(
            context.model,
            self.task,
            context.vectors,
            self._seed,
            self.baseline_names,
            of_texts=context.text_baselines,
        )
        return self.score(context, baselines, notes)

    def score(
        self, context: Context, baselines: Mapping[str, Floats], notes: Sequence[str]
    ) -> Selection:
        """The readouts, the best third of them where the task is screened, and baselines on it."""
        screened = isinstance(self.task, ScreenedTask)
        score: Callable[..., Selection] = screened_selection if screened else score_readouts
        return score(
            context.model,
            self.task,
            self._readouts,
            context.vectors,
            baselines,
            notes=notes,
            progress=context.progress,
        )

    @abstractmethod
    def report(self, selection: Selection) -> Finding:
        """What a selection shows, of one model or of several joined."""


def chosen_and_references(selection: Selection) -> Iterator[tuple[int, Readout, VectorCache]]:
    """The index, readout and vectors of the chosen readout, then of each reference."""
    for i in dict.fromkeys([selection.chosen_index, *selection.references.values()]):
        yield i, selection.readouts[i], selection.candidates[i].cache
