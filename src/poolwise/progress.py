"""Progress on stderr: a bar with rate and time left, or a spinner; only on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from poolwise.escaping import escape_control

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

PATIENCE_S = 1.0
"""Work that takes less than this shows no bar."""


_SUBJECT: ContextVar[str] = ContextVar("subject", default="")


@contextmanager
def progress_of(subject: str) -> Iterator[None]:
    """Bars made meanwhile name the subject: the model, where several take turns."""
    token = _SUBJECT.set(f"{subject}: ")
    try:
        yield
    finally:
        _SUBJECT.reset(token)


class Progress:
    """Counts ``what``, as a context; ``total`` may be unknown.

    The bar appears after ``PATIENCE_S`` seconds, if it is to ``show`` and stderr is a terminal.
    ``note`` stands behind the rate.
    """

    def __init__(self, what: str, total: int | None = None, *, show: bool = True) -> None:
        self._show = show and sys.stderr.isatty()
        self.what = escape_control(_SUBJECT.get() + what) if self._show else what
        self.total, self.count = total, 0.0
        self.note = ""
        self._began = time.monotonic()
        self._bars: Bars | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def advance(self, count: float) -> None:
        """Add ``count``, which may be a fraction: a batch of a window of texts."""
        self.count += count
        if not self._show:
            return
        if self._bars is None:
            if time.monotonic() - self._began < PATIENCE_S:
                return
            self._bars = self._open()
        rate = self.count / max(time.monotonic() - self._began, 1e-9)
        self._bars.update(
            self._bars.task_ids[0], completed=round(self.count), rate=f"{rate:,.0f}/s{self.note}"
        )

    def _open(self) -> Bars:
        # rich costs a tenth of the time to the first vector, and most passes show no bar.
        from rich import progress  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        console = Console(stderr=True)
        bars = progress.Progress(
            progress.SpinnerColumn(_spinner(console)),
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}", style="progress.data.speed"),
            progress.TextColumn("elapsed"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        bars.add_task(self.what, total=self.total, rate="")
        bars.start()
        return bars


@contextmanager
def waiting(what: str, *, show: bool = True) -> Iterator[None]:
    """A spinner beside ``what``, for work whose progress cannot be counted."""
    if not (show and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    with console.status(Text(escape_control(what)), spinner=_spinner(console)):
        yield


def _spinner(console: Console) -> str:
    """Braille, or a line where the terminal's encoding has no such characters."""
    return "line" if console.options.ascii_only else "dots"
