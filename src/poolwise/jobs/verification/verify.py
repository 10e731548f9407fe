"""A job verified: every part read, and the folder around them looked at."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.job import complete
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.result import totals
from poolwise.jobs.sidecar import Sidecar
from poolwise.jobs.verification.fault import Fault
from poolwise.jobs.verification.folder_checks import (
    FOLDER_CHECKS,
    CheckedFolder,
    folder_notes,
)
from poolwise.jobs.verification.inputs import input_notes
from poolwise.jobs.verification.part_checks import CheckedPart, check_part
from poolwise.jobs.verification.repair import of_numbers, repair
from poolwise.jobs.verification.repeated_ids import RepeatedIds
from poolwise.jobs.verification.result import VerifyResult
from poolwise.progress import Progress


def verify_job(
    output: Path, *, repairs: bool = False, workers: int | None = None, progress: bool = False
) -> VerifyResult:
    """Read every part of the job in ``output`` and say what is not as it was made; with
    ``repairs``, make that again. See ``poolwise.verify``."""
    start = time.monotonic()
    folder = JobFolder(output)
    plan = Plan.load(folder)
    state = JobState(folder, plan)
    state.check(plan.parts, workers, progress=progress)
    repaired: Sequence[int] = ()
    if repairs:
        repaired = _repair(state, workers, progress=progress)
    return state.result(repaired, start)


def _repair(state: JobState, workers: int | None, *, progress: bool) -> list[int]:
    """Make wrong and missing parts again, and ``_SUCCESS``; the numbers of these parts."""
    folder, plan = state.folder, state.plan
    wrong = of_numbers(plan, {*state.faults, *state.missing})
    if wrong:
        repair(folder, plan, wrong, workers=workers, progress=progress)
        state.check(wrong, workers, progress=progress)
    elif any(fault.file == folder.success.name for fault in state.folder_faults()):
        folder.success.unlink(missing_ok=True)
    if not state.faults and not state.missing:
        complete(folder, plan)
    return [part.number for part in wrong]


Checked: TypeAlias = tuple[CheckedPart, list[Fault]]


def _done(part: Part, future: Future[Checked] | None) -> tuple[Part, Checked | None]:
    return part, None if future is None else future.result()


@dataclass(slots=True)
class JobState:
    """What is known of a job's parts by now: the ``faults`` and the notes of each by its number,
    the sidecars of those without faults, those that are ``missing``."""

    folder: JobFolder
    plan: Plan
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)
    rows: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _right: dict[int, Sidecar] = field(default_factory=dict)
    _ids: RepeatedIds = field(default_factory=RepeatedIds)

    def check(self, parts: Sequence[Part], workers: int | None, *, progress: bool) -> None:
        """Read these parts, in ``workers`` threads, beside a bar."""
        with Progress("rows", sum(part.rows for part in parts), show=progress) as bar:
            for part, checked in self._read(parts, workers or 1):
                self._forget(part.number)
                if checked is None:
                    self._add_missing(part.number)
                else:
                    self._add(*checked)
                bar.advance(part.rows)

    def _read(self, parts: Sequence[Part], workers: int) -> Iterator[tuple[Part, Checked | None]]:
        """The parts in order, a few of them read ahead; None for one that is missing."""
        pending: deque[tuple[Part, Future[Checked] | None]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for part in parts:
                there = self.folder.has(part.number)
                future = pool.submit(check_part, self.folder, self.plan, part) if there else None
                pending.append((part, future))
                while len(pending) > workers:
                    yield _done(*pending.popleft())
            while pending:
                yield _done(*pending.popleft())

    def _forget(self, number: int) -> None:
        self.missing.discard(number)
        for known in (self.faults, self.rows, self._right):
            known.pop(number, None)

    def _add_missing(self, number: int) -> None:
        self.missing.add(number)
        folder = self.folder
        if folder.sidecar(number).exists() or folder.success.exists():
            name = folder.part(number).name
            self.faults[number] = [Fault(number, name, "file", "none", "one: it has been made")]

    def _add(self, checked: CheckedPart, faults: list[Fault]) -> None:
        number, reading = checked.part.number, checked.reading
        self.rows[number] = reading.rows
        if faults:
            self.faults[number] = faults
            return
        self._ids.add(number, reading.keys)
        self._right[number] = Sidecar(checked.facts, reading.bytes, reading.sha256)
        if checked.sidecar is None:
            self.notes.append(
                f"{self.folder.part(number).name} had no sidecar, which was made again from it: "
                "its vectors could not be compared with a sha256"
            )
            with suppress(StoreError):
                self._right[number].save(self.folder)

    def _folder(self) -> CheckedFolder:
        sums: dict[str, Any] | None = None
        if len(self._right) == len(self.plan.parts):
            sums = {
                "parts": len(self.plan.parts),
                "rows_in": self.plan.rows,
                **totals(list(self._right.values())),
            }
        return CheckedFolder(self.folder, self.plan, sums)

    def folder_faults(self) -> list[Fault]:
        """What is wrong with the folder beside its parts."""
        checked = self._folder()
        return [fault for check in FOLDER_CHECKS for fault in check(checked)]

    def result(self, repaired: Sequence[int], start: float) -> VerifyResult:
        """All of it; ``start`` is when it began, by ``time.monotonic``."""
        notes = [*self.notes, *folder_notes(self._folder()), *input_notes(self.plan)]
        if note := self._ids.note(self.folder):
            notes.append(note)
        return VerifyResult(
            self.folder.path,
            sum(self.rows.values()),
            parts=len(self.plan.parts) - len(self.missing),
            all_parts=len(self.plan.parts),
            missing=sorted(self.missing),
            faults=[
                *(fault for number in sorted(self.faults) for fault in self.faults[number]),
                *self.folder_faults(),
            ],
            notes=notes,
            repaired=repaired,
            seconds=time.monotonic() - start,
        )
