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
from poolwise.tuning.batches import ShuffledTexts, TokenizedTexts, collator
from poolwise.tuning.classifier_module import ReadoutClassifier
from poolwise.tuning.distributed import world_size
from poolwise.tuning.early_stopping import DEV, EarlyStopping
from poolwise.tuning.out_of_memory import oom_as
from poolwise.tuning.records import Scores, TrainingOptions, TrainingResult, TrainingRun
from poolwise.tuning.run_store import RunStore
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import parse_trainable

MAX_GRADIENT_NORM = 1.0

RATE_TRIAL_DIVISOR = 3
"""A rate trial makes one third of the steps."""


def passes_per_epoch(options: TrainingOptions, n: int) -> int:
    """How often an epoch passes through its ``n`` texts."""
    return max(round(options.steps / options.epochs / ceil(n / options.batch_size)), 1)


def training_cost(options: TrainingOptions, run: TrainingRun) -> float:
    """The number of texts that a training sees if it does not stop early."""
    texts = run.n * passes_per_epoch(options, run.n) * options.epochs
    return texts / RATE_TRIAL_DIVISOR if run.rate_trial else texts


def train(
    model: Model,
    task: TuningTask,
    run: TrainingRun,
    options: TrainingOptions,
    *,
    test: bool,
    resume_folder: Path | None,
    report: Callable[[float], None] | None,
) -> tuple[TrainingResult, ReadoutClassifier]:
    """Train; the result, and the module with the weights of its best epoch.

    The seed determines the rows, their order, the dropout and the linear layer, and nothing else
    does. ``test``: whether to score the rows of test. In ``resume_folder`` a long training leaves a
    checkpoint every five minutes, from which a second call goes on; once the result is saved the
    folder may be deleted. ``report`` is called with the number of texts trained on since its last
    call.

    Processes that torchrun started train together, and each returns the same.

    Raises ReadoutError for a readout that this encoder does not have, and StudyError where memory
    is too small.
    """
    with (
        oom_as(options.batch_size, model.max_length, resumable=resume_folder is not None),
        _random_state_restored(),
        TemporaryDirectory() as scratch,
    ):
        stopping = EarlyStopping(
            run.n * passes_per_epoch(options, run.n),
            options.patience,
            resume_folder,
            report or (lambda _: None),
            fraction=1 / RATE_TRIAL_DIVISOR if run.rate_trial else 1.0,
        )
        training = Training(
            model, task, run, options, stopping=stopping, folder=resume_folder or Path(scratch)
        )
        training.run_to_end()
        scores = training.scores(task.splits.test) if test else np.empty(0)
        return training.result(scores), training.module.cpu()


def train_and_save(
    model: Model,
    task: TuningTask,
    store: RunStore,
    run: TrainingRun,
    report: Callable[[float], None],
    *,
    lock: AbstractContextManager[Any],
) -> TrainingResult:
    """Train, and save result and checkpoint. ``lock`` guards the writing of checkpoints."""
    resume_folder = store.resume_folder(run) if world_size() == 1 else None
    result, module = train(
        model,
        task,
        run,
        store.options,
        test=not run.rate_trial,
        resume_folder=resume_folder,
        report=report,
    )
    with lock:
        store.save_checkpoint(result, module, model)
    store.save_result(result)
    return result


class Training:
    """A module and the ``Trainer`` that trains it."""

    def __init__(
        self,
        model: Model,
        task: TuningTask,
        run: TrainingRun,
        options: TrainingOptions,
        *,
        stopping: EarlyStopping,
        folder: Path,
    ) -> None:
        self.run, self.stopping = run, stopping
        self._model, self._task = model, task
        self.module = ReadoutClassifier(
            model,
            parse_trainable(run.readout, model.depth),
            task.output_space,
            seed=run.seed,
            reinit=options.reinit,
        )
        rows = task.subset(run.n, run.seed)
        self.module.standardise(task.targets[rows])
        self._dev_texts = TokenizedTexts(model, task, task.dev_sample)
        self.trainer = Trainer(
            self.module,
            _arguments(run, options, folder),
            collator(model.config.pad_token_id or 0),
            ShuffledTexts(
                model,
                task,
                rows,
                batch_size=options.batch_size,
                seed=run.seed,
                passes=passes_per_epoch(options, run.n),
            ),
            self._dev_texts,
            compute_metrics=self._dev_metrics,
            callbacks=[stopping],
            optimizers=(optimizer(self.module, run.rate, options), None),
        )
        self.trainer.remove_callback(PrinterCallback)

    def run_to_end(self) -> None:
        """Train, from a checkpoint if there is one; the module gets the best epoch's weights."""
        with tensor_os_errors(Path(str(self.trainer.args.output_dir))):
            self.trainer.train(resume_from_checkpoint=self.stopping.resume())
        self.module.load_state_dict(dict(self.stopping.best_weights))
        self.module.unstandardise()

    def scores(self, rows: RowIndices) -> Scores:
        """The score of each of the task's ``rows``."""
        texts = TokenizedTexts(self._model, self._task, rows)
        self.trainer.compute_metrics = None  # it scores dev
        outputs = np.asarray(self.trainer.predict(texts).predictions)
        return texts.in_row_order(self._task.scores(outputs, texts.rows))

    def result(self, test_scores: Scores) -> TrainingResult:
        stopping, readout = self.stopping, str(self.module.learned_readout())
        return TrainingResult(
            run=self.run,
            dev_score=stopping.best_score,
            test_scores=test_scores,
            learned_readout=readout,
            best_epoch=stopping.best_epoch,
            epochs=stopping.epochs,
            seconds=stopping.total_seconds(),
        )

    def _dev_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        outputs = np.asarray(prediction.predictions)
        return {DEV: float(self._task.scores(outputs, self._dev_texts.rows).mean())}


def optimizer(module: ReadoutClassifier, rate: float, options: TrainingOptions) -> AdamW:
    """AdamW; the head has a higher rate; biases and LayerNorm parameters do not decay."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            lr = rate * options.head_factor if name in module.head_parameters else rate
            decay = options.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((lr, decay), []).append(parameter)
    return AdamW(
        [{"params": p, "lr": lr, "weight_decay": decay} for (lr, decay), p in groups.items()],
        fused=True,
    )


def _arguments(run: TrainingRun, options: TrainingOptions, folder: Path) -> TrainingArguments:
    """Linear warm-up and decay over all epochs; dev after each; no output on the terminal."""
    batch_size = ceil(options.batch_size / world_size())
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=2 * batch_size,
        train_sampling_strategy="sequential",  # ShuffledTexts shuffles
        lr_scheduler_type="linear",
        warmup_steps=options.warmup,
        max_grad_norm=MAX_GRADIENT_NORM,
        seed=run.seed,
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
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


@contextmanager
def _random_state_restored() -> Iterator[None]:
    """Trainer seeds the global generators; afterwards they are as the caller left them."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
