"""Trainer's callback: the best epoch on dev, early stopping, and checkpoints to resume from."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from math import ceil, inf
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from poolwise.errors import StoreError
from poolwise.files import atomic_write, os_errors_as, sync_tree
from poolwise.files.tensor_errors import tensor_os_errors

SAVED_EVERY_S = 300.0
"""Seconds between checkpoints: the most that a kill loses. A shorter training writes none."""

DEV = "eval_dev"
"""The key of dev's score among Trainer's metrics."""

_BEST_WEIGHTS, _STATE = "best.safetensors", "watched.json"


class EarlyStopping(TrainerCallback):
    """Holds the ``best_weights`` on dev; stops after ``patience`` epochs without improvement.

    An improvement is a higher score or a lower loss: at first the score may stand still while the
    loss falls.

    ``report`` is called with the number of texts trained on since its last call, of ``n`` an epoch;
    in the end it has been told of all that were planned. ``fraction``: stop after this share of all
    steps. Trainer's checkpoint goes to ``checkpoints``, if given, every ``SAVED_EVERY_S``, with
    this callback's state beside it; the previous one is removed.
    """

    def __init__(
        self,
        n: int,
        patience: int,
        checkpoints: Path | None,
        report: Callable[[float], None],
        *,
        fraction: float = 1.0,
    ) -> None:
        self.best_weights: Mapping[str, Tensor] = {}
        self.best_score, self.best_epoch, self.epochs = -inf, 0, 0
        self._lowest_loss, self._improved_epoch = inf, 0
        self._earlier_seconds = 0.0
        self._n, self._patience, self._checkpoints = n, patience, checkpoints
        self._report, self._reported = report, 0.0
        self._fraction = fraction
        self._started = self._saved = time.monotonic()

    def resume(self) -> str | None:
        """The checkpoint to resume from, this callback's state restored; None if there is none.

        Raises StoreError for one that cannot be read.
        """
        states = [*self._checkpoints.glob(f"checkpoint-*/{_STATE}")] if self._checkpoints else []
        if not states:
            return None
        folder = max(states, key=lambda path: path.stat().st_mtime).parent
        try:
            state = json.loads((folder / _STATE).read_text("utf-8"))
            self.best_score, self.best_epoch = float(state["score"]), int(state["epoch"])
            self._lowest_loss, self._improved_epoch = float(state["loss"]), int(state["gained"])
            self.epochs, self._earlier_seconds = int(state["epochs"]), float(state["seconds"])
            weights = folder / _BEST_WEIGHTS
            self.best_weights = load(weights.read_bytes()) if self.best_epoch else {}
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise StoreError(
                f"{folder}: a training cannot go on from here ({error}); delete the folder, and "
                "it begins anew"
            ) from error
        return str(folder)

    def total_seconds(self) -> float:
        """The duration of the training, in this process and in those that were killed."""
        return self._earlier_seconds + time.monotonic() - self._started

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report_until(state.epoch)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report_until(state.epoch)
        if state.global_step >= ceil(state.max_steps * self._fraction):
            control.should_training_stop = True  # dev is scored all the same
        # Resumed at an epoch's last step, Trainer would skip the evaluation that follows it.
        if state.global_step % (state.max_steps // state.num_train_epochs):
            control.should_save = self._save_is_due()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        control.should_save = self._save_is_due()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **context: Any
    ) -> None:
        score, loss = context["metrics"][DEV], context["metrics"]["eval_loss"]
        self.epochs += 1
        if score > self.best_score or loss < self._lowest_loss:
            self._improved_epoch = self.epochs
        if score > self.best_score or not self.best_weights:
            self.best_score, self.best_epoch = score, self.epochs
            weights = context["model"].state_dict()
            self.best_weights = {name: tensor.detach().clone() for name, tensor in weights.items()}
        self._lowest_loss = min(loss, self._lowest_loss)
        if self.epochs - self._improved_epoch >= self._patience:
            control.should_training_stop = True
        if control.should_training_stop:
            control.should_save = False

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if self.best_weights:
            with os_errors_as(folder), tensor_os_errors(folder / _BEST_WEIGHTS):
                save_file(dict(self.best_weights), folder / _BEST_WEIGHTS)
        values = {
            "score": self.best_score,
            "epoch": self.best_epoch,
            "loss": self._lowest_loss,
            "gained": self._improved_epoch,
            "epochs": self.epochs,
            "seconds": self.total_seconds(),
        }
        sync_tree(folder)
        # Written last: a checkpoint without it is incomplete.
        with atomic_write(folder / _STATE) as file:
            file.write(json.dumps(values).encode())
        for previous in folder.parent.glob("checkpoint-*"):
            if previous != folder:
                shutil.rmtree(previous)
        self._saved = time.monotonic()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report_until(state.num_train_epochs * self._fraction)

    def _report_until(self, epochs: float | None) -> None:
        texts = (epochs or 0.0) * self._n
        self._report(texts - self._reported)
        self._reported = texts

    def _save_is_due(self) -> bool:
        due = time.monotonic() - self._saved >= SAVED_EVERY_S
        return self._checkpoints is not None and due
