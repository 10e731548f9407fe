"""The state of a training in a file, so that a process that is killed loses seconds."""

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

INTERVAL_S = 15.0


class TrainingCheckpoint:
    """One training's state in ``path``, written whole or not at all; None keeps no state."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The saved state, None without a file. Raises StoreError for a file of another kind."""
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

    def save(self, state: Callable[[], dict[str, Any]], *, now: bool = False) -> None:
        """Save the state if the last one is ``INTERVAL_S`` old, or ``now``."""
        if self.path is None or not (now or time.monotonic() - self._saved_at >= INTERVAL_S):
            return
        with os_errors_as(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        content = BytesIO()  # torch would report a full disk as an error of its own
        torch.save(state(), content)
        with atomic_write(self.path) as file:
            file.write(content.getbuffer())
        self._saved_at = time.monotonic()
