"""Readouts and baselines scored on a task: the selection among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.candidates import candidates_of
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.task import Task
from poolwise.selection.vector_cache import VectorCache

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Array = NDArray[np.float64]


def score_readouts(
    encoder: Encoder,
    task: Task,
    readouts: Sequence[Readout],
    cache: VectorCache,
    baselines: Mapping[str, Floats] | None = None,
    *,
    scored_baselines: Mapping[str, Array] | None = None,
    notes: Sequence[str] = (),
    progress: bool = False,
) -> Selection:
    """Score every readout, and every baseline's vectors [texts of the cache, d], on the task.

    ``scored_baselines`` are the pseudo-values [n] of baselines that have no vectors; ``notes`` are
    those of all baselines.
    """
    baselines, scored_baselines = baselines or {}, scored_baselines or {}
    scores = column_scores(task, readouts, cache, baselines, progress=progress)
    scores = np.column_stack([scores, *scored_baselines.values()])
    names = (*baselines, *scored_baselines)
    widths = [encoder.width_of(r) for r in readouts]
    widths += [vectors.shape[1] for vectors in baselines.values()] + [0] * len(scored_baselines)
    chance = task.chance_scores()
    candidates = candidates_of(encoder, readouts, cache)
    return Selection(candidates, task, names, widths, scores, chance, notes=tuple(notes))


def column_scores(
    task: Task,
    readouts: Sequence[Readout],
    cache: VectorCache,
    baselines: Mapping[str, Floats] | None = None,
    *,
    progress: bool = False,
) -> Array:
    """The pseudo-values of every readout, then of every baseline, [n, c + b]; those of readouts
    that a task alike has scored are not computed again."""

    def readout_scores(readout: Readout) -> Array:
        memo = cache.memo.setdefault(("row scores", task.key, str(readout)), [])
        if not memo:
            memo.append(task.row_scores(cache, cache[str(readout.pooled)], readout))
        scores: Array = memo[0]
        return scores

    jobs = [partial(readout_scores, readout) for readout in readouts]
    jobs += [partial(task.row_scores, cache, vectors) for vectors in (baselines or {}).values()]
    bar = Progress(f"{task.score} of readouts on {task.name}", len(jobs), show=progress)
    columns = []
    with bar, ThreadPoolExecutor(cores()) as workers:
        for column in workers.map(lambda job: job(), jobs):
            columns.append(column)
            bar.advance(1)
    return np.stack(columns, axis=1)
