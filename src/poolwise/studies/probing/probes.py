"""A linear probe on standardised features, for many tasks and readouts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.tasks import LabelsTask
from poolwise.selection.vector_cache import VectorCache
from poolwise.transforms.linear import inverse_deviations

Array = NDArray[np.float64]
Classes = NDArray[np.intp]


def probe_all(
    tasks: Sequence[LabelsTask], cache: VectorCache, readouts: Sequence[Readout], bar: Progress
) -> list[Array]:
    """Whether each row's label is named, under each readout: [rows, c] a task, as ``named`` says.

    A readout is read once for all tasks; the task of most labels, which takes longest, goes first.
    """
    columns = [np.empty((len(task), len(readouts))) for task in tasks]
    order = sorted(range(len(tasks)), key=lambda t: -len(tasks[t].classes))
    with ThreadPoolExecutor(cores()) as workers:
        for i, readout in enumerate(readouts):
            vectors = cache[str(readout)]
            running = {
                t: workers.submit(named, tasks[t], *rows_of(tasks[t], cache, vectors))
                for t in order
            }
            for t, column in running.items():
                columns[t][:, i] = column.result()
            bar.advance(1)
    return columns


def rows_of(
    task: LabelsTask, cache: VectorCache, vectors: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """The vectors of the task's rows [n, d], and which of them are usable [n]."""
    rows = cache.rows(task.texts)
    x = vectors[rows]
    return x, cache.usable[rows] & np.isfinite(x).all(axis=1)


def named(
    task: LabelsTask, x: Floats, usable: NDArray[np.bool_], targets: Classes | None = None
) -> Array:
    """Whether a probe trained on train's rows of x [n, d] names the target of the others, [n].

    1 or 0, and 0 for a row that is not usable; NaN for the rows of train.
    """
    train = task.splits.train[usable[task.splits.train]]
    asked = task.targets if targets is None else targets
    return task.hits(standardized(x, train), usable, asked)


def standardized(x: Floats, train: NDArray[np.intp]) -> Floats:
    """x [n, d], each feature of mean 0 and deviation 1 on the rows of train; a constant one 0."""
    learned = x[train].astype(np.float64)
    return np.asarray((x - learned.mean(axis=0)) * inverse_deviations(learned), np.float32)
