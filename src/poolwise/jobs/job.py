"""A job, run: its parts made by this process or by workers, and the end of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.errors import OptionError
from poolwise.jobs.folder import JobFolder, write_json
from poolwise.jobs.job_progress import JobProgress
from poolwise.jobs.making import make_parts
from poolwise.jobs.opening import check_unchanged, open_job
from poolwise.jobs.part_maker import PartMaker, Report
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.request import JobRequest
from poolwise.jobs.result import CorpusResult, totals
from poolwise.jobs.sidecar import Sidecar
from poolwise.jobs.stored_readouts import remove_unused
from poolwise.jobs.workers import make_parts_in_workers

MakeParts = Callable[[PartMaker, Sequence[Part], Report], None]


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``count``-th part from the ``index``-th on, counted from 1: of an array of jobs that
    share a folder, each has its own."""

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise OptionError(
                f"the shard is {self.index}/{self.count}, expected I/N with I from 1 to N: 3/8"
            )

    def of(self, parts: Sequence[Part]) -> Sequence[Part]:
        return parts[self.index - 1 :: self.count]


def run_job(
    request: JobRequest,
    output: Path,
    make: MakeParts = make_parts,
    *,
    resume: bool = False,
    shard: Shard | None = None,
    progress: bool = False,
) -> CorpusResult:
    """Make those parts of a request that are not in ``output``; see ``poolwise.embed_corpus``."""
    start = time.monotonic()
    folder = JobFolder(output)
    resume = resume or shard is not None
    maker = open_job(request, folder, resume=resume, progress=progress)
    parts = (shard or Shard()).of(maker.plan.parts)
    made = make_missing(maker, parts, make, progress=progress)
    check_unchanged(request, folder, maker.plan)
    return finish(maker, made, time.monotonic() - start)


def make_missing(
    maker: PartMaker, parts: Sequence[Part], make: MakeParts, *, progress: bool
) -> int:
    """Make those of ``parts`` that are not there, beside a bar; the rows that were read for it."""
    missing = [part for part in parts if not maker.folder.has(part.number)]
    with JobProgress(missing, show=progress) as bar:
        make(maker, missing, bar.report)
    return bar.counts.rows


def finish(maker: PartMaker, made_rows: int, seconds: float) -> CorpusResult:
    """What is there now; where that is every part, say so with ``_SUCCESS``."""
    folder, plan = maker.folder, maker.plan
    parts, sums = complete(folder, plan)
    columns = maker.columns
    return CorpusResult(
        folder.path,
        plan.rows,
        parts=parts,
        all_parts=len(plan.parts),
        made_rows=made_rows,
        seconds=seconds,
        readouts=dict(columns.widths),
        columns={columns.layout.column_of(spec): spec for spec in columns.layout.readouts},
        provenance=maker.metadata,
        **sums,
    )


def complete(folder: JobFolder, plan: Plan) -> tuple[int, dict[str, Any]]:
    """How many parts are there, and their totals; where that is all, write ``_SUCCESS``."""
    there = [part.number for part in plan.parts if folder.has(part.number)]
    sums = totals([Sidecar.load(folder, number) for number in there])
    if len(there) == len(plan.parts):
        folder.clear()
        remove_unused(folder, plan)
        if not folder.success.exists():
            write_json(folder.success, {"parts": len(there), "rows_in": plan.rows, **sums})
    return len(there), sums


def in_workers(count: int) -> MakeParts:
    """Makes parts in so many processes."""
    return lambda maker, parts, report: make_parts_in_workers(maker, parts, count, report)
