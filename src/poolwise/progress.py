"""A progress bar on stderr, with rate and time left, silent when that is no terminal."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

PATIENCE_S = 1.0
"""Work that is done within this time shows no bar."""


class Progress:
    """Counts ``what``, as a context; ``total`` may be unknown.

    The bar appears after ``PATIENCE_S`` seconds, if it is to ``show`` and stderr is a terminal.
    """

    def __init__(self, what: str, total: int | None = None, *, show: bool = True) -> None:
        self.what, self.total, self.done = what, total, 0.0
        self._show = show and sys.stderr.isatty()
        self._began = time.monotonic()
        self._bars: Bars | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def advance(self, count: float) -> None:
        """Count so many more; a batch may be a fraction of a window of texts."""
        self.done += count
        if not self._show:
            return
        if self._bars is None:
            if time.monotonic() - self._began < PATIENCE_S:
                return
            self._bars = self._open()
        self._bars.update(self._bars.task_ids[0], completed=round(self.done))

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
