"""What a process that makes parts has told its parent, and what its death means."""

from __future__ import annotations

from collections import Counter

from poolwise.errors import PoolwiseError
from poolwise.jobs.part_maker import Advance, Report
from poolwise.jobs.plan import Plan

ATTEMPTS = 3
"""Workers that may die over one part."""


class WorkerProgress:
    """``part`` is the number of the part that a worker makes, None before the first."""

    def __init__(self) -> None:
        self.part: int | None = None
        self._advanced = Advance(0, 0, 0)

    def take(self, message: int | Advance, report: Report) -> None:
        """The number of a part that it begins, or what it has done of it."""
        if isinstance(message, int):
            self.part, self._advanced = message, Advance(0, 0, 0)
        else:
            self._advanced += message
            report(message)

    def take_back(self, report: Report) -> None:
        """Report that what it did of an unfinished part is lost."""
        report(-self._advanced)


class Attempts:
    """Counts the workers that have died over each part of a plan. ``advice`` says where to look."""

    def __init__(self, plan: Plan, advice: str) -> None:
        self._plan, self._advice = plan, advice
        self._deaths: Counter[int | None] = Counter()

    def add(self, part: int | None, how: str) -> None:
        """A worker has died; raises PoolwiseError where it is the third over its part."""
        self._deaths[part] += 1
        if self._deaths[part] < ATTEMPTS:
            return
        place = next((self._plan.place(p) for p in self._plan.parts if p.number == part), None)
        over = "before its first part" if place is None else f"over part {part} ({place})"
        raise PoolwiseError(
            f"{ATTEMPTS} worker processes have ended {over}, the last {how}; {self._advice}. "
            "The parts that are made stay: --resume goes on"
        )
