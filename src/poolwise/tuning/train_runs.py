"""All trainings and probes of a comparison; the finished ones are read from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch

from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.tuning.checkpoint_store import merit
from poolwise.tuning.distributed import broadcast_from_first, is_main_process, world_size
from poolwise.tuning.frozen_probes import frozen_probes
from poolwise.tuning.records import TrainingOptions, TuningRuns
from poolwise.tuning.run_store import RunStore, fingerprint
from poolwise.tuning.schedule import Schedule
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import TrainableReadout
from poolwise.tuning.training import train_and_save, training_cost
from poolwise.tuning.workers import WorkerSetup, train_in_workers


def train_runs(
    model: Model,
    task: TuningTask,
    readouts: Sequence[TrainableReadout],
    sizes: Sequence[int],
    seeds: int,
    *,
    options: TrainingOptions,
    folder: Path | None,
    workers: int,
    progress: bool,
) -> TuningRuns:
    """Train over each readout on each number of rows, with each seed from 0 to ``seeds`` − 1.

    Seed 0 tries all rates for a third of a training; every seed trains at the best of them on dev.
    Frozen probes learn from the same rows. ``folder``, which comparisons may share, holds each
    result as soon as it is there: a second call, after an interruption, trains only what is
    missing.

    ``workers`` processes share the CPU; on a GPU, and under torchrun, there are none. The last
    digits of a training depend on how many threads each has.

    Raises StudyError where memory is too small, ReadoutError for a readout that this encoder does
    not have, StoreError where the folder cannot be read or written.
    """
    store_folder = folder if is_main_process() else None
    store = RunStore(store_folder, fingerprint(model, task), options, max(sizes))
    specs = list(dict.fromkeys(trainable.spec for trainable in readouts))
    store.check_source(model.folder, specs)
    store.clear()
    schedule = Schedule(specs, sizes, seeds, options.rates, partial(training_cost, options))
    schedule.skip_finished(lambda run: broadcast_from_first(store.load_result(run)))
    _train(model, task, store, schedule, workers=workers, progress=progress)
    probes = (
        frozen_probes(
            model, task, readouts, sizes, seeds, store=store, workers=workers, progress=progress
        )
        if is_main_process()
        else []
    )
    paths = {spec: _checkpoint(model, task, store, schedule, spec) for spec in specs if folder}
    checkpoints = {spec: path for spec, path in paths.items() if path is not None}
    return TuningRuns(schedule.results, schedule.rate_trials, probes, checkpoints)


def _checkpoint(
    model: Model, task: TuningTask, store: RunStore, schedule: Schedule, spec: str
) -> Path | None:
    """The path of the best on dev of the trainings on the most rows; a lost one is retrained."""
    candidates = (
        result
        for result in schedule.results
        if (result.run.readout, result.run.n) == (spec, store.largest_size)
    )
    best = max(candidates, key=merit)
    path = store.publish_checkpoint(best)
    if broadcast_from_first(path is None):
        retrained = train_and_save(model, task, store, best.run, lambda _: None, lock=nullcontext())
        schedule.record(retrained)
        path = store.publish_checkpoint(retrained)
    return path


def _train(
    model: Model,
    task: TuningTask,
    store: RunStore,
    schedule: Schedule,
    *,
    workers: int,
    progress: bool,
) -> None:
    """All trainings of the schedule, in processes of their own or in this one."""
    shown = progress and is_main_process()
    with Progress("texts trained on", round(schedule.remaining_cost), show=shown) as bar:
        count = min(workers, len(schedule))
        alone = world_size() > 1 or torch.cuda.is_available()
        if count > 1 and not alone:
            setup = WorkerSetup(model, task, store, max(torch.get_num_threads() // count, 1))
            train_in_workers(schedule, setup, count, bar.advance)
        while (run := schedule.next()) is not None:
            schedule.record(
                train_and_save(model, task, store, run, bar.advance, lock=nullcontext())
            )
