"""A job's output brought up to date with inputs that have changed.

The new parts are those that a new job on the inputs would make, and are made by one, in a folder
within the old one's; but rows that were there before take over their vectors. When it is complete
its parts take the places of the old ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from poolwise.errors import StoreError
from poolwise.files import remove_folder, sync_path
from poolwise.files.leftovers import locked
from poolwise.jobs.comparison import changed_inputs, differences
from poolwise.jobs.folder import JobFolder, read_json, write_json
from poolwise.jobs.input_rows import InputRows
from poolwise.jobs.job import MakeParts, finish, make_missing
from poolwise.jobs.opening import check_unchanged, open_job, part_maker
from poolwise.jobs.part_maker import PartMaker
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.request import JobRequest
from poolwise.jobs.result import CorpusResult
from poolwise.jobs.reuse import Reuse, UpdateCounts, match
from poolwise.jobs.stored_rows import StoredRows
from poolwise.progress import Progress


def update_job(
    request: JobRequest, output: Path, make: MakeParts, *, progress: bool = False
) -> CorpusResult:
    """Make ``output`` what a new job of this request would make, computing only rows that are new
    or changed. Raises StoreError where the job there was begun otherwise, or is being updated."""
    start = time.monotonic()
    folder = JobFolder(output)
    try:
        with locked(folder.state):  # not the plan, which is replaced
            return _update(request, folder, make, start, progress=progress)
    except BlockingIOError:
        raise StoreError(f"another process is updating {output}; wait for its end") from None


def _update(
    request: JobRequest, folder: JobFolder, make: MakeParts, start: float, *, progress: bool
) -> CorpusResult:
    update = folder.update
    if update.success.exists():
        _publish(update, folder)
    old = Plan.load(folder)
    if changed := differences(old.fingerprint, request.fingerprint()):
        raise StoreError(
            f"{folder.path} was begun otherwise: {'; '.join(changed)}. An update changes the "
            "inputs only: repeat the command with these as they were, or choose another folder"
        )
    identities = request.identities()
    if not changed_inputs(old, identities):
        maker = part_maker(request, folder, old)
        rows = sum(part.rows for part in old.parts if folder.has(part.number))
        made = make_missing(maker, old.parts, make, progress=progress)
        check_unchanged(request, folder, old)
        done = finish(maker, made, time.monotonic() - start)
        return replace(done, update=UpdateCounts(rows, 0, old.rows - rows, 0))
    maker, counts = _planned(request, folder, old, progress=progress)
    reuse = maker.reuse
    assert reuse is not None
    _link_whole_parts(maker, reuse)
    made = make_missing(maker, maker.plan.parts, make, progress=progress)
    check_unchanged(request, folder, maker.plan)
    done = finish(maker, made, time.monotonic() - start)
    _publish(update, folder)
    return replace(done, output=folder.path, update=counts)


def _planned(
    request: JobRequest, folder: JobFolder, old: Plan, *, progress: bool
) -> tuple[PartMaker, UpdateCounts]:
    """The job in the folder within the folder: begun, or gone on with if the inputs are still the
    same."""
    update = folder.update
    earlier = StoredRows.of(folder, old.parts)
    counts_path, reuse = update.state / "counts.json", Reuse(earlier, update.state / "reuse")
    if update.path.exists():
        try:
            maker = open_job(request, update, resume=True)
            counts = UpdateCounts(**read_json(counts_path))
        except StoreError:  # the inputs have changed since, or it was not planned to the end
            remove_folder(update.path)
        else:
            return replace(maker, reuse=reuse), counts
    maker = open_job(request, update, resume=True, progress=progress)
    with Progress("rows compared", maker.plan.rows, show=progress) as bar:
        rows = chain.from_iterable(map(InputRows(maker.corpus).of, maker.plan.parts))
        counts = match(earlier, rows, reuse.path, bar)
    write_json(counts_path, counts.to_json())
    return replace(maker, reuse=reuse), counts


def _link_whole_parts(maker: PartMaker, reuse: Reuse) -> None:
    """Parts that stay byte for byte are linked. Kept columns are not compared, so with some every
    part is written anew."""
    if maker.columns.layout.extra_columns:
        return
    for part in maker.plan.parts:
        target = maker.folder.part(part.number)
        if not target.exists() and reuse.is_whole_part(part):
            try:
                os.link(reuse.earlier.folder.part(part.number), target)
            except OSError:
                return  # no hard links here: the parts are written anew


def _publish(update: JobFolder, folder: JobFolder) -> None:
    """Move the parts of a complete update to their places. May be repeated where it was
    interrupted: ``_SUCCESS`` in ``update`` goes last."""
    plan = Plan.load(update)
    folder.success.unlink(missing_ok=True)
    sync_path(folder.path)
    for part in plan.parts:
        number = part.number
        if update.part(number).exists():  # it goes last
            folder.rejected(number).unlink(missing_ok=True)
            _move(update.rejected(number), folder.rejected(number))
            _move(update.sidecar(number), folder.sidecar(number))
            update.part(number).replace(folder.part(number))
    _remove_surplus(folder, plan.parts)
    write_json(folder.plan, plan.to_json())
    write_json(folder.success, read_json(update.success))
    remove_folder(update.path)
    sync_path(folder.path)


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.replace(target)


def _remove_surplus(folder: JobFolder, parts: Sequence[Part]) -> None:
    """Remove parts, and what belongs to parts, that the new plan does not have."""
    names = {folder.part(part.number).stem for part in parts}
    places = (
        (folder.path, "part-*.parquet"),
        (folder.state, "part-*.json"),
        (folder.rejected(0).parent, "part-*.jsonl"),
    )
    for place, pattern in places:
        for path in place.glob(pattern):
            if path.stem not in names:
                path.unlink()
