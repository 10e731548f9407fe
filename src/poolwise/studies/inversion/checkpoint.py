"""Where a training stands, on disk, so that a process that is killed costs seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from poolwise.errors import StoreError
from poolwise.files import atomic_write, os_errors_as

EVERY_S = 15.0


class TrainingCheckpoint:
    """One training's state in ``path``, written whole or not at all; nowhere where it is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """What lies there, None if nothing does. Raises StoreError for what is no state."""
        if self.path is None or not self.path.exists():
            return None
        try:
            with ZipFile(self.path):  # torch would take anything else for its format of old
                state: dict[str, Any] = torch.load(self.path, "cpu", weights_only=True)
        except (OSError, BadZipFile, RuntimeError, UnpicklingError) as error:
            raise StoreError(
                f"{self.path} is not the state of a training: {str(error).splitlines()[0]}; delete "
                "it to train anew"
            ) from error
        return state

    def offer(self, state: Callable[[], dict[str, Any]], *, now: bool = False) -> None:
        """Write the state if the last one is ``EVERY_S`` old, or ``now``."""
        if self.path is None or not (now or time.monotonic() - self._written >= EVERY_S):
            return
        with os_errors_as(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        content = BytesIO()  # torch would tell of a full disk as of a fault of its own
        torch.save(state(), content)
        with atomic_write(self.path) as file:
            file.write(content.getbuffer())
        self._written = time.monotonic()
