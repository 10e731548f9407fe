"""What a further look at a selection adds to its finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from poolwise.charts import Chart
from poolwise.records import Finding, Number


@dataclass(frozen=True, slots=True)
class FindingPart:
    """``sentence`` says in one sentence what ``numbers``, ``charts`` and ``notes`` show."""

    sentence: str
    numbers: Sequence[Number] = field(default_factory=list)
    charts: Sequence[Chart] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)


def with_part(finding: Finding, part: FindingPart) -> Finding:
    """The finding with a part after its own: the sentence stands before the notes."""
    return replace(
        finding,
        numbers=[*finding.numbers, *part.numbers],
        charts=[*finding.charts, *part.charts],
        notes=[part.sentence, *finding.notes, *part.notes],
    )
