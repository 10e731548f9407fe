"""What a job has made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolwise.jobs.reuse import UpdateCounts
from poolwise.jobs.sidecar import Sidecar
from poolwise.jobs.targets.target import TargetResult
from poolwise.texts.omitted_rows import counted


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """The job in ``output`` after this run.

    ``rows_in`` are the rows of the inputs, ``rows`` those of the parts that are there, ``rejected``
    counts the rows without vectors by kind, ``flags`` the rows with each flag; ``parts`` are there,
    of ``all_parts``, and ``made_rows`` rows were read by this run, in ``seconds``. ``readouts`` has
    the width of each readout, ``columns`` their readouts by name. ``update`` counts the rows of an
    update against those before, ``targets`` what was loaded into each address.
    """

    output: Path
    rows_in: int
    rows: int
    rejected: Mapping[str, int]
    flags: Mapping[str, int]
    parts: int
    all_parts: int
    made_rows: int
    seconds: float
    readouts: Mapping[str, int]
    columns: Mapping[str, str]
    provenance: Mapping[str, Any]
    update: UpdateCounts | None = None
    targets: Mapping[str, TargetResult] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether every part is there."""
        return self.parts == self.all_parts

    @property
    def verdict(self) -> str:
        """How many rows are where, and how fast they came."""
        rate = self.made_rows / max(self.seconds, 1e-9)
        parts = counted(self.parts, "part", "parts")
        if not self.complete:
            parts = f"{self.parts:,} of {counted(self.all_parts, 'part', 'parts')}"
        of_all = f" of {self.rows_in:,}" if self.rows < self.rows_in else ""
        work = f"{self.made_rows:,} read now, in {self.seconds:.1f} s: {rate:,.0f}/s"
        return (
            f"{self.rows:,} rows{of_all} in {parts}: {self.output} "
            f"({work if self.made_rows else 'nothing was left to do'})"
        )

    def __str__(self) -> str:
        return self.verdict


def totals(sidecars: Sequence[Sidecar]) -> dict[str, Any]:
    """Sums over parts: ``rows``, ``rejected`` by kind, ``flags``."""
    rejected: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    for sidecar in sidecars:
        rejected.update(sidecar.facts.rejected)
        flags.update(sidecar.facts.flags)
    rows = sum(sidecar.facts.rows for sidecar in sidecars)
    return {"rows": rows, "rejected": dict(sorted(rejected.items())), "flags": dict(flags)}
