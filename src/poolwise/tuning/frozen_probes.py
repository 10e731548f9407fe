"""The control beside every training: a linear probe on frozen vectors of the same rows."""

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
from poolwise.tuning.records import FrozenProbe, Scores
from poolwise.tuning.run_store import RunStore
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import TrainableReadout

Array = NDArray[np.float64]
Outputs = NDArray[Any]
Predict = Callable[[Array], Outputs]
"""From vectors [m, d] to outputs [m, k] as ``TuningTask.scores`` takes them."""

ProbeKey = tuple[TrainableReadout, int, int]
"""Readout, number of rows, seed that draws them."""


def frozen_probes(
    model: Model,
    task: TuningTask,
    readouts: Sequence[TrainableReadout],
    sizes: Sequence[int],
    seeds: int,
    *,
    store: RunStore,
    workers: int,
    progress: bool,
) -> list[FrozenProbe]:
    """A probe of each readout, size and seed, fitted on the rows of that training, scored on test.

    A multinomial logistic regression for classification, one binary regression a label for
    multilabel, a ridge regression for numbers; the strength of each is chosen on dev.
    """
    keys = [*product(readouts, sizes, range(seeds))]
    probes = {key: store.load_probe(*key) for key in keys}
    missing = [key for key in keys if probes[key] is None]
    if missing:
        probes |= _fit_all(model, task, missing, store, workers=workers, progress=progress)
    return [probe for probe in probes.values() if probe is not None]


def _fit_all(
    model: Model,
    task: TuningTask,
    keys: Sequence[ProbeKey],
    store: RunStore,
    *,
    workers: int,
    progress: bool,
) -> dict[ProbeKey, FrozenProbe]:
    """Probes of the same vectors and rows are fitted once."""
    cache = _cached_vectors(model, task, keys, progress)
    groups: dict[tuple[str, bytes], list[ProbeKey]] = {}
    for trainable, n, seed in keys:
        rows = np.sort(task.subset(n, seed))
        group = groups.setdefault((str(trainable.initial), rows.tobytes()), [])
        group.append((trainable, n, seed))

    def fit(group: Sequence[ProbeKey]) -> dict[ProbeKey, FrozenProbe]:
        trainable, n, seed = group[0]
        scores = _test_scores(task, cache, trainable.initial, np.sort(task.subset(n, seed)))
        probes = {key: FrozenProbe(key[0].spec, key[1], key[2], scores) for key in group}
        for key, probe in probes.items():
            store.save_probe(probe, key[0])
        return probes

    with (
        Progress("probes of frozen vectors", len(groups), show=progress) as bar,
        ThreadPoolExecutor(workers) as threads,
    ):
        futures = as_completed([threads.submit(fit, group) for group in groups.values()])
        probes: dict[ProbeKey, FrozenProbe] = {}
        try:
            for future in futures:
                probes |= future.result()
                bar.advance(1)
        finally:
            threads.shutdown(cancel_futures=True)
    return probes


def _cached_vectors(
    model: Model, task: TuningTask, keys: Sequence[ProbeKey], progress: bool
) -> VectorCache:
    """Of all readouts and their fallbacks, for the rows fitted and scored, in one pass."""
    scored = (task.dev_sample, task.splits.test)
    fitted = (task.subset(*draw) for draw in {(n, seed) for _, n, seed in keys})
    rows = np.unique(np.concatenate([*scored, *fitted]))
    readouts = dict.fromkeys(trainable.initial for trainable, _, _ in keys)
    wanted = [
        readout
        for initial in readouts
        for readout in (initial, _fallback(initial))
        if readout is not None
    ]
    by_spec = {str(readout): readout for readout in wanted}
    texts = (task.texts[row] for row in rows.tolist())
    return cache_vectors(model, texts, by_spec.values(), progress=progress)


def _fallback(readout: Readout) -> Readout | None:
    """The readout for texts that lack the tokens which ``readout`` reads."""
    fallback = readout.pool.facts.fallback
    return None if fallback is None else replace(readout, pool=Pool(fallback))


def _vectors(task: TuningTask, cache: VectorCache, readout: Readout, rows: RowIndices) -> Floats:
    """Of the task's ``rows``, float32 [n, d]; all finite."""
    indices = cache.rows(task.texts[row] for row in rows.tolist())
    vectors = cache[str(readout)][indices]
    if (fallback := _fallback(readout)) is not None:
        lacking = ~np.isfinite(vectors).all(axis=1)
        vectors[lacking] = cache[str(fallback)][indices[lacking]]
    return vectors


def _test_scores(
    task: TuningTask, cache: VectorCache, readout: Readout, rows: RowIndices
) -> Scores:
    """At the strength that is best on dev, the smallest of equals."""
    splits = (rows, task.dev_sample, task.splits.test)
    x, dev, test = (_vectors(task, cache, readout, split).astype(np.float64) for split in splits)
    strengths, fit = _LEARNERS[task.kind]
    predictors = [fit(x, task.targets[rows], strength) for strength in strengths]
    on_dev = [task.scores(predict(dev), task.dev_sample).mean() for predict in predictors]
    return task.scores(predictors[int(np.argmax(on_dev))](test), task.splits.test)


def _fit_classes(x: Array, y: Outputs, strength: float) -> Predict:
    model, labels = LogisticModel(x, y, strength), np.eye(int(y.max()) + 1)
    return lambda vectors: labels[model.predict(vectors)]


def _fit_label_sets(x: Array, y: Outputs, strength: float) -> Predict:
    """One strength for all labels; 1 where a label is predicted, −1 where not."""
    models = [LogisticModel(x, label, strength) for label in y.T]
    return lambda vectors: 2 * np.stack([model.predict(vectors) for model in models], axis=1) - 1


def _fit_numbers(x: Array, y: Outputs, strength: float) -> Predict:
    with threadpool_limits(1):
        ridge = make_pipeline(StandardScaler(), Ridge(len(x) / strength)).fit(x, y)
    return lambda vectors: np.asarray(ridge.predict(vectors))[:, None]


_LEARNERS: dict[LabelKind, tuple[Sequence[float], Callable[[Array, Outputs, float], Predict]]] = {
    "classification": (sorted(STRENGTHS), _fit_classes),
    "multilabel": (sorted(STRENGTHS), _fit_label_sets),
    "regression": (sorted(1 / penalty for penalty in PENALTIES if penalty), _fit_numbers),
}
"""The strengths to choose from, and a fit on vectors [n, d] and targets [n, …]."""
