"""What is watched over in a training: the best epoch, when to stop, what to go on from."""

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
"""A training that is killed loses no more; a shorter one writes nothing."""

DEV = "eval_dev"

_BEST, _WATCHED = "best.safetensors", "watched.json"


class Watch(TrainerCallback):
    """Keeps the weights of the ``best`` epoch on dev; stops after ``patience`` epochs without gain.

    A gain is a higher score or a lower loss: a score stands still at first, while the loss falls.

    ``report`` is told of how many more of the ``n`` texts of an epoch have been trained on, in the
    end of all that were planned. ``part``: end after this part of all steps. With a folder for its
    ``state``, Trainer's checkpoint is written there when ``SAVED_EVERY_S`` have passed, and what
    this has seen beside it; one lies there at a time.
    """

    def __init__(
        self,
        n: int,
        patience: int,
        state: Path | None,
        report: Callable[[float], None],
        *,
        part: float = 1.0,
    ) -> None:
        self.best: Mapping[str, Tensor] = {}
        self.score, self.epoch, self.epochs = -inf, 0, 0
        self._loss, self._gained = inf, 0
        self._seconds = 0.0
        self._n, self._patience, self._state, self._report = n, patience, state, report
        self._part, self._reported = part, 0.0
        self._since = self._saved = time.monotonic()

    def resume(self) -> str | None:
        """The checkpoint to go on from, having taken in what was seen; None where there is none.

        Raises StoreError for one that cannot be read.
        """
        found = [*self._state.glob(f"checkpoint-*/{_WATCHED}")] if self._state else []
        if not found:
            return None
        folder = max(found, key=lambda path: path.stat().st_mtime).parent
        try:
            seen = json.loads((folder / _WATCHED).read_text())
            self.score, self.epoch = float(seen["score"]), int(seen["epoch"])
            self._loss, self._gained = float(seen["loss"]), int(seen["gained"])
            self.epochs, self._seconds = int(seen["epochs"]), float(seen["seconds"])
            self.best = load((folder / _BEST).read_bytes()) if self.epoch else {}
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise StoreError(
                f"{folder}: a training cannot go on from here ({error}); delete the folder, and "
                "it begins anew"
            ) from error
        return str(folder)

    def total_seconds(self) -> float:
        """What the training has taken, in this process and in those that were killed."""
        return self._seconds + time.monotonic() - self._since

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(state.epoch)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(state.epoch)
        if state.global_step >= ceil(state.max_steps * self._part):
            control.should_training_stop = True  # dev is scored all the same
        # From an epoch's last step Trainer would go on without the evaluation that follows it.
        if state.global_step % (state.max_steps // state.num_train_epochs):
            control.should_save = self._is_due()

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        control.should_save = self._is_due()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **now: Any
    ) -> None:
        score, loss = now["metrics"][DEV], now["metrics"]["eval_loss"]
        self.epochs += 1
        if score > self.score or loss < self._loss:
            self._gained = self.epochs
        if score > self.score or not self.best:
            self.score, self.epoch = score, self.epochs
            weights = now["model"].state_dict()
            self.best = {name: tensor.detach().clone() for name, tensor in weights.items()}
        self._loss = min(loss, self._loss)
        if self.epochs - self._gained >= self._patience:
            control.should_training_stop = True
        if control.should_training_stop:
            control.should_save = False

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if self.best:
            with os_errors_as(folder), tensor_os_errors(folder / _BEST):
                save_file(dict(self.best), folder / _BEST)
        seen = {
            "score": self.score,
            "epoch": self.epoch,
            "loss": self._loss,
            "gained": self._gained,
            "epochs": self.epochs,
            "seconds": self.total_seconds(),
        }
        sync_tree(folder)
        # Written last: a checkpoint without it is not whole.
        with atomic_write(folder / _WATCHED) as file:
            file.write(json.dumps(seen).encode())
        for other in folder.parent.glob("checkpoint-*"):
            if other != folder:
                shutil.rmtree(other)
        self._saved = time.monotonic()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(state.num_train_epochs * self._part)

    def _tell(self, epochs: float | None) -> None:
        done = (epochs or 0.0) * self._n
        self._report(done - self._reported)
        self._reported = done

    def _is_due(self) -> bool:
        return self._state is not None and time.monotonic() - self._saved >= SAVED_EVERY_S
