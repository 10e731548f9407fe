"""The parts of a complete job, into its targets."""

from __future__ import annotations

from collections.abc import Mapping

from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Plan
from poolwise.jobs.sidecar import Sidecar
from poolwise.jobs.targets.address import shown_address
from poolwise.jobs.targets.target import PartFile, Target, TargetResult
from poolwise.progress import Progress


def load_targets(
    folder: JobFolder, targets: Mapping[str, Target], *, progress: bool = False
) -> dict[str, TargetResult]:
    """Bring each target to the rows of the job; by their addresses, without passwords,
    what was done.

    Raises StoreError where one cannot be written; those before it are loaded then.
    """
    plan = Plan.load(folder)
    parts = []
    for part in plan.parts:
        sidecar = Sidecar.load(folder, part.number)
        parts.append(PartFile(folder.part(part.number), sidecar.sha256, sidecar.facts.rows))
    results = {}
    for address, target in targets.items():
        shown = shown_address(address)
        with Progress(f"rows into {shown}", sum(p.rows for p in parts), show=progress) as bar:
            results[shown] = target.load(parts, bar)
    return results
