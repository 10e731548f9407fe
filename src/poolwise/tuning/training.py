"""One training: transformers' Trainer over a readout's classifier."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.optim import AdamW
from transformers import (
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from poolwise.files.tensor_errors import tensor_os_errors
from poolwise.model import Model
from poolwise.selection.splits import RowIndices
from poolwise.tuning.batches import ShuffledTexts, Texts, collator
from poolwise.tuning.distributed import processes
from poolwise.tuning.early_stopping import DEV, Watch
from poolwise.tuning.memory import oom_as
from poolwise.tuning.module import ReadoutClassifier
from poolwise.tuning.records import Recipe, Scores, Setting, Trial
from poolwise.tuning.run_store import Kept
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import tunable

STEEPEST = 1.0
"""The norm to which longer gradients are cut."""


TRIED = 3
"""A rate is tried for one of so many parts of a training."""


def passes(recipe: Recipe, n: int) -> int:
    """How often an epoch goes through its ``n`` texts."""
    return max(round(recipe.steps / recipe.epochs / ceil(n / recipe.batch)), 1)


def cost(recipe: Recipe, setting: Setting) -> float:
    """How many texts a training sees, if it does not end early."""
    whole = setting.n * passes(recipe, setting.n) * recipe.epochs
    return whole / TRIED if setting.tried else whole


def train(
    model: Model,
    task: Task,
    setting: Setting,
    recipe: Recipe,
    *,
    test: bool,
    state: Path | None,
    report: Callable[[float], None] | None,
) -> tuple[Trial, ReadoutClassifier]:
    """Train on ``n`` rows; what came of it, and the module with the weights of its best epoch.

    The seed draws the rows, their order, the dropout and the linear layer, and nothing else does.
    ``test``: whether to score the rows of test, too. ``state`` is a folder in which a long training
    leaves, every five minutes, what a second call goes on from; whoever has kept the trial may
    delete it. ``report`` is told, now and then, of how many more texts have been trained on.

    In processes that torchrun started they train together, and each returns the same.

    Raises ReadoutError for a readout that this encoder does not have, and StudyError where memory
    is too small.
    """
    kept = state is not None
    with (
        oom_as(recipe.batch, model.max_length, kept=kept),
        _seeded_aside(),
        TemporaryDirectory() as scratch,
    ):
        watch = Watch(
            setting.n * passes(recipe, setting.n),
            recipe.patience,
            state,
            report or (lambda _: None),
            part=1 / TRIED if setting.tried else 1.0,
        )
        training = Training(
            model, task, setting, recipe, watch=watch, folder=state or Path(scratch)
        )
        training.run()
        scores = training.scores(task.splits.test) if test else np.empty(0)
        return training.trial(scores), training.module.cpu()


def train_and_keep(
    model: Model,
    task: Task,
    kept: Kept,
    setting: Setting,
    report: Callable[[float], None],
    *,
    lock: AbstractContextManager[Any],
) -> Trial:
    """Train, and put on disk what came of it. Whoever has the ``lock`` alone writes checkpoints."""
    state = kept.state(setting) if processes() == 1 else None
    trial, module = train(
        model, task, setting, kept.recipe, test=not setting.tried, state=state, report=report
    )
    with lock:
        kept.keep_checkpoint(trial, module, model)
    kept.keep(trial)
    return trial


class Training:
    """A module with all that ``Trainer`` needs to train it."""

    def __init__(
        self,
        model: Model,
        task: Task,
        setting: Setting,
        recipe: Recipe,
        *,
        watch: Watch,
        folder: Path,
    ) -> None:
        self.setting, self.watch = setting, watch
        self._model, self._task = model, task
        self.module = ReadoutClassifier(
            model,
            tunable(setting.readout, model.depth),
            task.output_space,
            seed=setting.seed,
            reinitialise=recipe.reinitialise,
        )
        rows = task.subset(setting.n, setting.seed)
        self.module.standardise(task.targets[rows])
        self._choosing = Texts(model, task, task.choosing)
        self.trainer = Trainer(
            self.module,
            _arguments(setting, recipe, folder),
            collator(model.config.pad_token_id or 0),
            ShuffledTexts(
                model,
                task,
                rows,
                batch=recipe.batch,
                seed=setting.seed,
                passes=passes(recipe, setting.n),
            ),
            self._choosing,
            compute_metrics=self._dev,
            callbacks=[watch],
            optimizers=(optimizer(self.module, setting.rate, recipe), None),
        )
        self.trainer.remove_callback(PrinterCallback)

    def run(self) -> None:
        """To the end; the module then has the best epoch's weights."""
        with tensor_os_errors(Path(str(self.trainer.args.output_dir))):
            self.trainer.train(resume_from_checkpoint=self.watch.resume())
        self.module.load_state_dict(dict(self.watch.best))
        self.module.restore()

    def scores(self, rows: RowIndices) -> Scores:
        """Of each of the task's ``rows``."""
        texts = Texts(self._model, self._task, rows)
        self.trainer.compute_metrics = None  # those are of dev
        outputs = np.asarray(self.trainer.predict(texts).predictions)
        return texts.given(self._task.scores(outputs, texts.rows))

    def trial(self, scores: Scores) -> Trial:
        watch, final = self.watch, str(self.module.final())
        return Trial(
            setting=self.setting,
            dev=watch.score,
            scores=scores,
            final=final,
            epoch=watch.epoch,
            epochs=watch.epochs,
            seconds=watch.total_seconds(),
        )

    def _dev(self, found: EvalPrediction) -> dict[str, float]:
        scores = self._task.scores(np.asarray(found.predictions), self._choosing.rows)
        return {DEV: float(scores.mean())}


def optimizer(module: ReadoutClassifier, rate: float, recipe: Recipe) -> AdamW:
    """AdamW; what is ``fresh`` learns faster, and only matrices decay: no bias, no LayerNorm."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            own = rate * recipe.head if name in module.fresh else rate
            decay = recipe.decay if parameter.ndim > 1 else 0.0
            groups.setdefault((own, decay), []).append(parameter)
    return AdamW(
        [{"params": p, "lr": lr, "weight_decay": decay} for (lr, decay), p in groups.items()],
        fused=True,
    )


def _arguments(setting: Setting, recipe: Recipe, folder: Path) -> TrainingArguments:
    """Linear warm-up and decay over all epochs; dev after each; not a word on the terminal."""
    batch = ceil(recipe.batch / processes())
    made = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=2 * batch,
        train_sampling_strategy="sequential",  # the texts shuffle themselves
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup,
        max_grad_norm=STEEPEST,
        seed=setting.seed,
        eval_strategy="epoch",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
    )
    # One process, one device: DataParallel would multiply the batch.
    made._n_gpu = min(made.n_gpu, 1)
    return made


@contextmanager
def _seeded_aside() -> Iterator[None]:
    """Trainer seeds everything; afterwards the caller's draws go on as before."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
