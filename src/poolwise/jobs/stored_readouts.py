"""The readouts of a job, as they lie in its folder."""

from __future__ import annotations

from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Plan
from poolwise.transforms.fitted_readout import FittedReadout


def stored_readouts(folder: JobFolder, plan: Plan) -> dict[str, FittedReadout]:
    """The job's readouts by their columns, with what their steps have learned."""
    return {
        column: FittedReadout.load(folder.readouts / name)
        for column, name in plan.request["readouts"].items()
    }
