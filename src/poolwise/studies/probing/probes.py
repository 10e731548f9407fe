"""A linear probe on standardised features, for many tasks and readouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.transforms.linear import inverse_deviations

Array = NDArray[np.float64]
Targets = NDArray[np.intp]


def probe_all(
    tasks: Sequence[LabelsTask], cache: VectorCache, readouts: Sequence[Readout], bar: Progress
) -> list[Array]:
    """The ``probe_hits`` of every readout, [rows, c] for each task.

    Each readout's vectors are loaded once for all tasks; the task of most labels, which takes
    longest, starts first.
    """
    columns = [np.empty((len(task), len(readouts))) for task in tasks]
    order = sorted(range(len(tasks)), key=lambda t: -len(tasks[t].classes))
    with ThreadPoolExecutor(cores()) as workers:
        for i, readout in enumerate(readouts):
            vectors = cache[str(readout)]
            running = {
                t: workers.submit(probe_hits, tasks[t], *task_vectors(tasks[t], cache, vectors))
                for t in order
            }
            for t, column in running.items():
                columns[t][:, i] = column.result()
            bar.advance(1)
    return columns


def task_vectors(
    task: LabelsTask, cache: VectorCache, vectors: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """The vectors of the task's rows [n, d], and which of them are usable [n]."""
    rows = cache.rows(task.texts)
    x = vectors[rows]
    return x, cache.usable[rows] & np.isfinite(x).all(axis=1)


def probe_hits(
    task: LabelsTask, x: Floats, usable: NDArray[np.bool_], targets: Targets | None = None
) -> Array:
    """Whether a probe on x [n, d], trained without the row's fold, predicts the target of each row,
    1 or 0, [n].

    ``targets`` [n] are the task's labels by default. A row that is not usable is given the most
    frequent label.
    """
    return task.probe_scores(x, usable, targets, lambda fitted: standardization(x[fitted]))


def standardization(fitted: Floats) -> Callable[[Floats], Floats]:
    """Each feature of mean 0 and deviation 1 on the rows ``fitted`` [m, d]; a constant one 0."""
    rows = fitted.astype(np.float64)
    mean, inverse = rows.mean(axis=0), inverse_deviations(rows)
    return lambda x: np.asarray((x - mean) * inverse, np.float32)
