"""Readouts and baselines scored on a task: the selection among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.selection import Selection
from poolwise.selection.tasks import Task
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
    progress: bool = False,
) -> Selection:
    """Score every readout, and every baseline's vectors [texts of the cache, d], on the task."""
    baselines = baselines or {}
    scores = np.empty((len(task), len(readouts) + len(baselines)))
    scores[:, : len(readouts)] = readout_scores(task, readouts, cache, progress=progress)
    for i, vectors in enumerate(baselines.values(), len(readouts)):
        scores[:, i] = task.row_scores(cache, vectors)
    widths = [encoder.width_of(r) for r in readouts]
    widths += [vectors.shape[1] for vectors in baselines.values()]
    chance = task.chance_scores()
    return Selection(encoder, task, cache, readouts, tuple(baselines), widths, scores, chance)


def readout_scores(
    task: Task, readouts: Sequence[Readout], cache: VectorCache, *, progress: bool = False
) -> Array:
    """The pseudo-values of every readout, [n, c]; those of tasks alike are computed once."""
    scores = np.empty((len(task), len(readouts)))

    def score(i: int) -> None:
        readout = readouts[i]
        memo = cache.memo.setdefault(("row scores", task.key, str(readout)), [])
        if not memo:
            memo.append(task.row_scores(cache, cache[str(readout.pooled)], readout))
        scores[:, i] = memo[0]

    bar = Progress(f"{task.score} of readouts on {task.name}", len(readouts), show=progress)
    with bar, ThreadPoolExecutor(cores()) as workers:
        for _ in workers.map(score, range(len(readouts))):
            bar.advance(1)
    return scores
