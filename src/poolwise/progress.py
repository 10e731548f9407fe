"""A progress bar on stderr, with rate and time left, silent when that is no terminal."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as Bars,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

PATIENCE_S = 1.0
"""Work that is done within this time shows no bar."""


class Progress:
    """Counts ``what``; ``total`` may be unknown. The bar appears after ``PATIENCE_S`` seconds."""

    def __init__(self, what: str, total: int | None = None) -> None:
        self.what, self.total, self.done = what, total, 0
        self._began = time.monotonic()
        self._bars: Bars | None = None

    def advance(self, count: int) -> None:
        self.done += count
        if self._bars is None:
            if time.monotonic() - self._began < PATIENCE_S or not sys.stderr.isatty():
                return
            self._bars = self._open()
        self._bars.update(self._bars.task_ids[0], completed=self.done)

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _open(self) -> Bars:
        bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(self._began),
            TextColumn("elapsed"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bars.add_task(self.what, total=self.total)
        bars.start()
        return bars


class _Rate(ProgressColumn):
    """Texts a second since the work began."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self._began = began

    def render(self, task: Task) -> Text:
        seconds = max(time.monotonic() - self._began, 1e-9)
        return Text(f"{task.completed / seconds:,.0f}/s", style="progress.data.speed")
