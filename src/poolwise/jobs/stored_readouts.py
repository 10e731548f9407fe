"""The readouts of a job, as they lie in its folder."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

from poolwise.errors import StoreError
from poolwise.files import remove_folder, whole_folder
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Plan
from poolwise.jobs.request import JobRequest
from poolwise.transforms.fitted_readout import FittedReadout


def stored_readouts(folder: JobFolder, plan: Plan) -> dict[str, FittedReadout]:
    """The job's readouts by their columns, with what their steps have learned."""
    return {
        column: FittedReadout.load(folder.readouts / name)
        for column, name in plan.request["readouts"].items()
    }


def save_readouts(request: JobRequest, folder: JobFolder) -> dict[str, str]:
    """Fit what is to be fitted, and save the readouts; their files by their columns.

    They lie in a folder that appears whole, named by its content: of processes that plan at once,
    none replaces what another one reads. Fits on the same texts by other numbers of threads may
    differ in their last bits.
    """
    transforms = request.fit()
    complete = [
        replace(
            fitted,
            transform=fitted.transform or transforms.get(str(fitted.readout)),
            provenance=fitted.provenance or {"model_hash": request.model.hash},
        )
        for fitted in request.readouts.values()
    ]
    digest = _digest(complete)
    names = [f"{place}.toml" for place in range(len(complete))]
    target = folder.readouts / digest
    try:
        with whole_folder(target, replace=False) as partial:
            for name, fitted in zip(names, complete, strict=True):
                fitted.save(partial / name)
    except StoreError as error:
        cause = error.__cause__
        taken = not isinstance(cause, OSError) or cause.errno in (errno.ENOTEMPTY, errno.EEXIST)
        if not (taken and (target / names[-1]).exists()):  # else another process has made it
            raise
    return {
        column: f"{digest}/{name}" for column, name in zip(request.readouts, names, strict=True)
    }


def remove_unused(folder: JobFolder, plan: Plan) -> None:
    """Remove readouts that the plan does not name: who fitted them did not come to write it."""
    used = {PurePath(name).parent.name for name in plan.request["readouts"].values()}
    with suppress(OSError):
        for path in [*folder.readouts.iterdir()]:
            if path.name not in used:
                remove_folder(path)


def _digest(readouts: Sequence[FittedReadout]) -> str:
    """What tells these readouts, and what their steps have learned, from others."""
    digest = hashlib.sha256()
    for fitted in readouts:
        texts = (str(fitted.readout), fitted.prompt, fitted.query_prompt)
        digest.update(json.dumps([*texts, dict(fitted.provenance)]).encode())
        digest.update(b"" if fitted.transform is None else fitted.transform.to_bytes())
    return digest.hexdigest()[:12]
