"""What a step after pooling does to hubs and to the score, on the same queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.selection.tasks.neighbours_task import NeighboursTask
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.paired import mean_differences
from poolwise.studies.hubness.views import AS_POOLED, HubView
from poolwise.texts import LabelledTexts, RetrievalData, Texts
from poolwise.texts.fields import are_numbers

Array = NDArray[np.float64]
ScoredTask = RetrievalTask | NeighboursTask


def scored_task(
    data: RetrievalData | LabelledTexts | Texts, seed: int
) -> tuple[ScoredTask | None, Sequence[str]]:
    """The task that says whether fewer hubs are better neighbours: relevant documents, or texts of
    the same label; None where nothing tells, with notes why."""
    if isinstance(data, RetrievalData):
        return RetrievalTask(data, seed), ()
    if isinstance(data, LabelledTexts) and not are_numbers(data.labels):
        try:
            return NeighboursTask(data, seed), ()
        except StudyError as error:
            return None, [f"no score stands beside the hubs: {error}"]
    return None, ()


@dataclass(frozen=True)
class StepEffects:
    """By the view's step: hubs and score under ``used`` with the step, less those without.

    ``score`` is None without a task.
    """

    used: HubView
    steps: Sequence[HubView]
    skewness: ComparisonFamily
    score: ComparisonFamily | None
    score_name: str = ""


def step_effects(
    views: Sequence[HubView], cache: VectorCache, task: ScoredTask | None
) -> StepEffects:
    """Of the views of one base readout, the first as pooled."""
    used, *steps = views
    skewness = ComparisonFamily(
        [Comparison(v.step, v.skewness.less(used.skewness), {"readout": v.name}) for v in steps]
    )
    if task is None or not steps:
        return StepEffects(used, steps, skewness, None)
    columns = np.column_stack([_row_scores(view, cache, task) for view in views])
    known = np.isfinite(columns).all(axis=1)
    differences = mean_differences(columns[known], 0, task.groups[known])[1:]
    score = ComparisonFamily(
        [
            Comparison(view.step, difference, {"readout": view.name})
            for view, difference in zip(steps, differences, strict=True)
        ]
    )
    return StepEffects(used, steps, skewness, score, task.score)


def _row_scores(view: HubView, cache: VectorCache, task: ScoredTask) -> Array:
    readout = view.base if view.step == AS_POOLED else parse(view.name)
    return task.row_scores(cache, cache[str(readout.pooled)], readout)
