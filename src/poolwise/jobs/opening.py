"""The job in a folder: planned, or found there and compared with what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poolwise.errors import StoreError, listed
from poolwise.jobs.comparison import changed_inputs, changes
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.part_maker import PartMaker
from poolwise.jobs.plan import Plan
from poolwise.jobs.planning import new_plan, part_columns
from poolwise.jobs.request import JobRequest
from poolwise.jobs.stored_readouts import stored_readouts
from poolwise.stores.sink import Layout


def open_job(
    request: JobRequest, folder: JobFolder, *, resume: bool, progress: bool = False
) -> PartMaker:
    """What makes the parts of this request in this folder.

    The plan is written if there is none. One that is there must be of the same request on the same
    inputs, and with ``resume`` it is gone on with; of several processes that come at once, all
    work on the plan that was first. Raises StoreError otherwise, with what differs.
    """
    fingerprint, identities = request.fingerprint(), request.identities()
    if folder.plan.exists():
        if not resume:
            raise StoreError(
                f"{folder.path} holds a corpus job already: --resume goes on with it, --update "
                "takes changed inputs, or choose another folder"
            )
        check_settled(folder)
        plan = Plan.load(folder)
    else:
        _check_empty(folder)
        folder.make()
        plan = new_plan(request, folder, fingerprint, identities, progress=progress)
        plan = plan.publish(folder)
    _check_same(folder, plan, fingerprint, identities)
    folder.make()
    return part_maker(request, folder, plan)


def part_maker(request: JobRequest, folder: JobFolder, plan: Plan) -> PartMaker:
    """What makes the parts of this plan; the readouts are those in the folder."""
    options = request.options
    readouts = stored_readouts(folder, plan)
    columns = part_columns(request, plan.request["ids"], readouts)
    return PartMaker(
        folder,
        plan,
        request.model,
        tuple(readouts.values()),
        request.corpus,
        columns,
        options.precision,
        options.long,
        options.escape_special,
        options.on_bad_row,
        metadata=_metadata(request, columns.layout),
    )


def _metadata(request: JobRequest, layout: Layout) -> dict[str, Any]:
    """What stands in the footer of every part, beside the part's own facts."""
    renamed = {column: spec for spec, column in layout.column_names.items()}
    fitted_on = {"fitted_on": request.fitted_on} if request.fitted_on else {}
    return {
        **request.model.provenance(request.options.precision),
        **fitted_on,
        "readouts": list(layout.readouts),
        **({"columns": renamed} if renamed else {}),
    }


def check_settled(folder: JobFolder) -> None:
    """Raise StoreError where some parts are those of an update, and some of before."""
    if folder.update.success.exists():
        raise StoreError(
            f"an update of {folder.path} was interrupted while its parts took their places: "
            "--update ends it"
        )


def check_unchanged(request: JobRequest, folder: JobFolder, plan: Plan) -> None:
    """Raise StoreError where inputs have changed while their parts were made."""
    if changed := changed_inputs(plan, request.identities()):
        raise StoreError(
            f"while {folder.path} was made {'; '.join(changed)}. Its parts may hold old rows "
            "beside new ones: --update brings them to what the inputs are now"
        )


def _check_empty(folder: JobFolder) -> None:
    """Raise StoreError where something else is in the folder: readers would take it for rows."""
    try:
        names = sorted(path.name for path in folder.path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{folder.path}: {error.strerror}; choose another folder") from error
    others = [name for name in names if not name.startswith((".", "_"))]
    if others and not folder.plan.exists():
        raise StoreError(
            f"{folder.path} holds {listed(others, limit=3)}, which no corpus job wrote; choose an "
            "empty folder"
        )


def _check_same(
    folder: JobFolder,
    plan: Plan,
    fingerprint: Mapping[str, Any],
    identities: Sequence[Mapping[str, Any]],
) -> None:
    """Raise StoreError with everything that differs from the plan."""
    if changed := changes(plan, fingerprint, identities):
        raise StoreError(
            f"{folder.path} was begun otherwise: {'; '.join(changed)}. Repeat the command as it "
            "was, or choose another folder; --update takes other inputs"
        )
