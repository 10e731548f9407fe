"""The control beside every training: a linear probe on the vectors where it began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.readouts import Pool, Readout
from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.logistic import STRENGTHS, LogisticModel
from poolwise.statistics.ridge import PENALTIES
from poolwise.texts import LabelKind
from poolwise.tuning.records import Frozen, Scores
from poolwise.tuning.run_store import Kept
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import Tunable

Array = NDArray[np.float64]
Outputs = NDArray[Any]
Tell = Callable[[Array], Outputs]
Probe = tuple[Tunable, int, int]
"""Which readout, from how many rows, drawn by which seed."""


def frozen(
    model: Model,
    task: Task,
    readouts: Sequence[Tunable],
    sizes: Sequence[int],
    seeds: int,
    *,
    kept: Kept,
    workers: int,
    progress: bool,
) -> list[Frozen]:
    """Of each readout, size and seed, scored on test, having learned what that training learned.

    Classification is a multinomial logistic regression, several labels are one a label, and
    regression is a ridge; the strength of each is chosen on dev.
    """
    probes = [*product(readouts, sizes, range(seeds))]
    found = {probe: kept.probe(*probe) for probe in probes}
    missing = [probe for probe in probes if found[probe] is None]
    if missing:
        found |= _made(model, task, missing, kept, workers=workers, progress=progress)
    return [made for made in found.values() if made is not None]


def _made(
    model: Model,
    task: Task,
    probes: Sequence[Probe],
    kept: Kept,
    *,
    workers: int,
    progress: bool,
) -> dict[Probe, Frozen]:
    """All probes; those of the same vectors and rows are made once."""
    cache = _shelved(model, task, probes, progress)
    alike: dict[tuple[str, bytes], list[Probe]] = {}
    for asked, n, seed in probes:
        rows = np.sort(task.subset(n, seed))
        alike.setdefault((str(asked.readout), rows.tobytes()), []).append((asked, n, seed))

    def make(same: Sequence[Probe]) -> dict[Probe, Frozen]:
        asked, n, seed = same[0]
        scores = _scores(task, cache, asked.readout, np.sort(task.subset(n, seed)))
        made = {probe: Frozen(probe[0].spec, probe[1], probe[2], scores) for probe in same}
        for probe in same:
            kept.keep_probe(made[probe], probe[0])
        return made

    with (
        Progress("probes of frozen vectors", len(alike), show=progress) as bar,
        ThreadPoolExecutor(workers) as threads,
    ):
        ended = as_completed([threads.submit(make, same) for same in alike.values()])
        made: dict[Probe, Frozen] = {}
        try:
            for future in ended:
                made |= future.result()
                bar.advance(1)
        finally:
            threads.shutdown(cancel_futures=True)
    return made


def _shelved(model: Model, task: Task, probes: Sequence[Probe], progress: bool) -> VectorCache:
    """All that is read of the texts that are learned from and of those of test, from one pass."""
    drawn = {(n, seed) for _, n, seed in probes}
    scored = (task.choosing, task.splits.test)
    rows = np.unique(np.concatenate([*scored, *(task.subset(*one) for one in drawn)]))
    readouts = [asked.readout for asked, _, _ in probes]
    asked = [one for r in readouts for one in (r, _instead(r)) if one is not None]
    unique = {str(readout): readout for readout in asked}
    texts = (task.texts[row] for row in rows.tolist())
    return cache_vectors(model, texts, unique.values(), progress=progress)


def _instead(readout: Readout) -> Readout | None:
    """What training reads where a text lacks what the readout reads."""
    fallback = readout.pool.facts.fallback
    return None if fallback is None else replace(readout, pool=Pool(fallback))


def _vectors(task: Task, cache: VectorCache, readout: Readout, rows: RowIndices) -> Floats:
    """Of the task's ``rows``, float32 [n, d]; all finite."""
    at = cache.rows(task.texts[row] for row in rows.tolist())
    vectors = cache[str(readout)][at]
    if (instead := _instead(readout)) is not None:
        lacking = ~np.isfinite(vectors).all(axis=1)
        vectors[lacking] = cache[str(instead)][at[lacking]]
    return vectors


def _scores(task: Task, cache: VectorCache, readout: Readout, rows: RowIndices) -> Scores:
    """Of the strength that is best on dev, the smallest of equals, where trainings choose too."""
    splits = (rows, task.choosing, task.splits.test)
    x, dev, test = (_vectors(task, cache, readout, part).astype(np.float64) for part in splits)
    strengths, learn = _LEARNERS[task.kind]
    told = [learn(x, task.targets[rows], strength) for strength in strengths]
    on_dev = [task.scores(tell(dev), task.choosing).mean() for tell in told]
    return task.scores(told[int(np.argmax(on_dev))](test), task.splits.test)


def _one_label(x: Array, y: Outputs, strength: float) -> Tell:
    model, labels = LogisticModel(x, y, strength), np.eye(int(y.max()) + 1)
    return lambda asked: labels[model.predict(asked)]


def _several_labels(x: Array, y: Outputs, strength: float) -> Tell:
    """One strength for all labels; 1 where a label is named, −1 where not."""
    models = [LogisticModel(x, label, strength) for label in y.T]
    return lambda asked: 2 * np.stack([model.predict(asked) for model in models], axis=1) - 1


def _number(x: Array, y: Outputs, strength: float) -> Tell:
    with threadpool_limits(1):
        ridge = make_pipeline(StandardScaler(), Ridge(len(x) / strength)).fit(x, y)
    return lambda asked: np.asarray(ridge.predict(asked))[:, None]


_LEARNERS: dict[LabelKind, tuple[Sequence[float], Callable[[Array, Outputs, float], Tell]]] = {
    "classification": (sorted(STRENGTHS), _one_label),
    "multilabel": (sorted(STRENGTHS), _several_labels),
    "regression": (sorted(1 / penalty for penalty in PENALTIES if penalty), _number),
}
"""What learns targets [n, …] from vectors [n, d]; told of others [m, d], it gives [m, k] as
``Task.scores`` takes it."""
