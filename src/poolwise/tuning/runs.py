"""All trainings of a comparison: what has ended before is not repeated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch

from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.tuning.distributed import from_first, is_first, processes
from poolwise.tuning.frozen import frozen
from poolwise.tuning.records import Recipe, Runs
from poolwise.tuning.run_store import Kept, materials, merit
from poolwise.tuning.schedule import ToDo
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import Tunable
from poolwise.tuning.training import cost, train_and_keep
from poolwise.tuning.workers import Order, work_through


def compare(
    model: Model,
    task: Task,
    readouts: Sequence[Tunable],
    sizes: Sequence[int],
    seeds: int,
    *,
    recipe: Recipe,
    folder: Path | None,
    workers: int,
    progress: bool,
) -> Runs:
    """Train each readout with each number of rows, by each of so many ``seeds``, from 0 on.

    Seed 0 tries all rates of the recipe for a third of a training; what did best on dev is taken
    by every seed. Frozen probes on the same rows stand beside. ``folder`` keeps everything that
    ends, as it ends: a second call, after whatever stopped the first, trains what is missing. It
    may be another comparison's, too.

    ``workers`` processes share the CPU; on a GPU, and under torchrun, there are none. A training's
    last digits depend on how many threads each has.

    Raises StudyError where memory is too small, ReadoutError for a readout that this encoder does
    not have, StoreError where the folder cannot be read or written.
    """
    kept = Kept(folder if is_first() else None, materials(model, task), recipe, max(sizes))
    specs = list(dict.fromkeys(asked.spec for asked in readouts))
    kept.check_source(model.folder, specs)
    kept.clear()
    todo = ToDo(specs, sizes, seeds, recipe.rates, partial(cost, recipe))
    todo.skip(lambda setting: from_first(kept.trial(setting)))
    _train(model, task, kept, todo, workers=workers, progress=progress)
    probes = (
        frozen(model, task, readouts, sizes, seeds, kept=kept, workers=workers, progress=progress)
        if is_first()
        else []
    )
    shown = {spec: _checkpoint(model, task, kept, todo, spec) for spec in specs if folder}
    folders = {spec: path for spec, path in shown.items() if path is not None}
    return Runs(todo.trials, todo.tried, probes, folders)


def _checkpoint(model: Model, task: Task, kept: Kept, todo: ToDo, spec: str) -> Path | None:
    """Of the best on dev of the trainings with the most rows; a lost one is trained again."""
    setting = (spec, kept.largest)
    best = max((t for t in todo.trials if (t.setting.readout, t.setting.n) == setting), key=merit)
    path = kept.checkpoint(best)
    if from_first(path is None):
        again = train_and_keep(model, task, kept, best.setting, lambda _: None, lock=nullcontext())
        todo.ended(again)
        path = kept.checkpoint(again)
    return path


def _train(
    model: Model, task: Task, kept: Kept, todo: ToDo, *, workers: int, progress: bool
) -> None:
    """All there is to do, in processes of their own or in this one."""
    with Progress("texts trained on", round(todo.left), show=progress and is_first()) as bar:
        count = min(workers, len(todo))
        alone = processes() > 1 or torch.cuda.is_available()
        if count > 1 and not alone:
            order = Order(model, task, kept, max(torch.get_num_threads() // count, 1))
            work_through(todo, order, count, bar.advance)
        while (setting := todo.next()) is not None:
            todo.ended(train_and_keep(model, task, kept, setting, bar.advance, lock=nullcontext()))
