"""Wrong and missing parts, made again from the plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from poolwise.errors import StoreError
from poolwise.files import os_errors_as, sync_path
from poolwise.jobs.comparison import changes
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.job import in_workers, make_missing
from poolwise.jobs.making import make_parts
from poolwise.jobs.opening import part_maker
from poolwise.jobs.part_maker import PartMaker
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.planned_request import planned_request


def repair(
    folder: JobFolder,
    plan: Plan,
    parts: Sequence[Part],
    *,
    workers: int | None,
    progress: bool,
) -> None:
    """Remove these parts, where they are there, and make them again.

    Nothing is removed unless the model and the inputs are as they were: raises StoreError with what
    has changed, EncoderError or TextError where they are gone.
    """
    if folder.update.success.exists():
        raise StoreError(
            f"{folder.path} has an update that was stopped while its parts took their places: "
            "repeat poolwise embed … --update, which ends it"
        )
    maker = _maker(folder, plan)
    folder.make()
    with os_errors_as(folder.path):
        folder.success.unlink(missing_ok=True)
        for part in parts:
            _remove(folder, part.number)
        sync_path(folder.path)
    make = make_parts if workers is None else in_workers(workers)
    make_missing(maker, parts, make, progress=progress)


def _maker(folder: JobFolder, plan: Plan) -> PartMaker:
    request = planned_request(folder, plan)
    changed = changes(plan, request.fingerprint(), request.identities())
    if changed:
        raise StoreError(
            f"{folder.path} cannot be repaired: {'; '.join(changed)}. The same rows would not come "
            "out again: bring back what it was, or run the job anew in another folder"
        )
    return part_maker(request, folder, plan)


def _remove(folder: JobFolder, number: int) -> None:
    """The part goes last: as long as it is there, it is seen to be wrong."""
    for path in (folder.rejected(number), folder.sidecar(number), folder.part(number)):
        path.unlink(missing_ok=True)


def of_numbers(plan: Plan, numbers: Collection[int]) -> list[Part]:
    """The parts with these numbers."""
    return [part for part in plan.parts if part.number in numbers]
