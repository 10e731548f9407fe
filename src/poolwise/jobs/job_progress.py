"""The progress of a job: a bar on a terminal, else a line a minute, as logs of clusters want."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from poolwise.jobs.part_maker import Advance
from poolwise.jobs.plan import Part
from poolwise.progress import Progress

LINE_S = 60.0
"""Seconds between two lines."""


class JobProgress:
    """Counts the rows of ``parts``, as a context; ``report`` takes what has been done. ``counts``
    are their sums."""

    def __init__(self, parts: Sequence[Part], *, show: bool) -> None:
        self.counts = Advance(0, 0, 0)
        self._total = sum(part.rows for part in parts)
        self._bar = Progress("rows", self._total, show=show)
        self._lines = show and not sys.stderr.isatty()
        self._began = self._said = time.monotonic()

    def __enter__(self) -> JobProgress:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)

    def report(self, advance: Advance) -> None:
        self.counts += advance
        self._bar.note = self._note
        self._bar.advance(advance.rows)
        now = time.monotonic()
        if self._lines and now - self._said >= LINE_S:
            self._said = now
            print(self._line(now - self._began), file=sys.stderr, flush=True)

    @property
    def _note(self) -> str:
        counts = (("truncated", self.counts.truncated), ("rejected", self.counts.rejected))
        return "".join(f", {count:,} {what}" for what, count in counts if count)

    def _line(self, seconds: float) -> str:
        rate = max(self.counts.rows / seconds, 1e-9)
        minutes = (self._total - self.counts.rows) / rate / 60
        left = f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.1f} hours"
        return (
            f"{self.counts.rows:,} of {self._total:,} rows, {rate:,.0f}/s{self._note}, {left} left"
        )
