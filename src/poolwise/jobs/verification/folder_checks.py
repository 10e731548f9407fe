"""What is checked of a job's folder, beside its parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.errors import PoolwiseError, StoreError, listed
from poolwise.files import leftovers
from poolwise.jobs.folder import JobFolder, read_json
from poolwise.jobs.plan import Plan
from poolwise.jobs.stored_readouts import stored_readouts
from poolwise.jobs.verification.fault import Fault


@dataclass(frozen=True, slots=True)
class CheckedFolder:
    """A job's folder; ``totals`` are those of its parts, by the names that ``_SUCCESS`` has, None
    where a part is wrong or missing."""

    folder: JobFolder
    plan: Plan
    totals: Mapping[str, Any] | None

    @property
    def is_complete(self) -> bool:
        return all(self.folder.has(part.number) for part in self.plan.parts)


def _unknown_parts(checked: CheckedFolder) -> Iterator[Fault]:
    known = {checked.folder.part(part.number).name for part in checked.plan.parts}
    for name in _parquet_files(checked.folder.path):
        if name in known:
            continue
        what = "a part that the plan does not have" if name.startswith("part-") else "a file"
        yield Fault(
            None,
            name,
            "foreign file",
            f"{what} beside the parts",
            "the job's parts alone: readers of the folder take its rows for the job's; move it",
        )


def _parquet_files(root: Path) -> Iterator[str]:
    """Those that readers of the folder find, in folders within it too."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in sorted(files):
            if name.endswith((".parquet", ".parq")) and not name.startswith(("_", ".")):
                yield str((Path(folder) / name).relative_to(root))


def _success(checked: CheckedFolder) -> Iterator[Fault]:
    """``_SUCCESS``: only with all parts, and with their totals."""
    folder, plan = checked.folder, checked.plan
    if not folder.success.exists():
        return
    if not checked.is_complete:
        missing = sum(not folder.has(part.number) for part in plan.parts)
        yield Fault(
            None,
            folder.success.name,
            "completeness",
            f"it, and {missing:,} of {len(plan.parts):,} parts missing",
            "it only where every part is there",
        )
        return
    try:
        found = read_json(folder.success)
    except StoreError as error:
        yield Fault(None, folder.success.name, "totals", str(error), "totals as JSON")
        return
    for name, expected in (checked.totals or {}).items():
        if found.get(name) != expected:
            yield Fault(
                None,
                folder.success.name,
                "totals",
                f"{name} {found.get(name, 'missing')}",
                f"{expected}, as the parts have together",
            )


def _update(checked: CheckedFolder) -> Iterator[Fault]:
    """The parts are of two plans where an update was stopped while it moved them."""
    if checked.folder.update.success.exists():
        yield Fault(
            None,
            "__poolwise/update",
            "update",
            "an update that was stopped while its parts took their places",
            "none: repeat poolwise embed … --update, which ends it",
        )


def _readouts(checked: CheckedFolder) -> Iterator[Fault]:
    expected = checked.plan.fingerprint["readouts"]
    try:
        stored = stored_readouts(checked.folder, checked.plan)
        found = {column: str(fitted) for column, fitted in stored.items()}
    except PoolwiseError as error:
        yield Fault(None, checked.folder.readouts.name, "readouts", str(error), "those of the job")
        return
    if found != expected:
        yield Fault(None, checked.folder.readouts.name, "readouts", _names(found), _names(expected))


def _names(readouts: Mapping[str, str]) -> str:
    return listed(f"{column}={readout}" for column, readout in readouts.items())


FOLDER_CHECKS: tuple[Callable[[CheckedFolder], Iterator[Fault]], ...] = (
    _update,
    _unknown_parts,
    _success,
    _readouts,
)


def folder_notes(checked: CheckedFolder) -> Iterator[str]:
    """What is to be known of the folder, and is not wrong."""
    folder = checked.folder
    if checked.is_complete and not folder.success.exists():
        yield "every part is there, and no _SUCCESS: --resume, or --repair, ends the job"
    if folder.update.path.exists() and not folder.update.success.exists():
        yield "an update was begun and is not finished: poolwise embed … --update goes on with it"
    left = [
        path.name
        for place in (folder.path, folder.state, folder.readouts, folder.rejected(0).parent)
        for path in leftovers(place)
    ]
    if left:
        yield f"left by processes that were killed, and removed at the end: {listed(left)}"
