"""What ``poolwise.watch`` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.difference import KindDifference
from poolwise.doctor.statement import Aspect
from poolwise.doctor.watch_state import Findings
from poolwise.json_values import to_plain

Outcome = Literal["first run", "unchanged", "changed"]


@dataclass(frozen=True, slots=True)
class StatementChange:
    """What was said of an aspect ``before`` and ``now``, None where nothing; with the sentence of
    now, or else of before."""

    aspect: Aspect
    before: str | None
    now: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class WatchResult:
    """Whether a server's vectors are those in ``state``.

    ``distance_max`` is the largest of ``Difference.gaps`` over the probe texts, up to ``noise`` of
    which means nothing; None at the first run. ``differences`` are by kind of text, ``changes`` of
    the diagnosis, which is made at the first run and where the vectors have changed. ``identified``
    and ``agrees`` are of the last diagnosis. ``since`` is when the state was written.
    """

    outcome: Outcome
    verdict: str
    model: str
    endpoint: str
    state: Path
    since: str
    texts: int
    distance_max: float | None
    noise: float
    request_seconds: float | None
    identified: bool
    agrees: bool | None
    differences: Sequence[KindDifference] = ()
    changes: Sequence[StatementChange] = ()
    diagnosis: Diagnosis | None = None
    notes: Sequence[str] = ()

    @property
    def changed(self) -> bool:
        return self.outcome == "changed"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        diagnosis = None if self.diagnosis is None else self.diagnosis.to_json()
        plain: dict[str, Any] = to_plain({**data, "diagnosis": diagnosis})
        return plain

    def __str__(self) -> str:
        return self.verdict


def statement_changes(before: Findings, now: Findings) -> list[StatementChange]:
    """The aspects whose value is another; where either is unidentified, only what both speak of,
    and the readout."""
    aspects = [*dict.fromkeys([*now.statements, *before.statements])]
    if not (before.identified and now.identified):
        aspects = [a for a in aspects if a in before.statements and a in now.statements]
        aspects = [*dict.fromkeys(["readout", *aspects])]
    changes = []
    for aspect in aspects:
        old, new = before.statements.get(aspect), now.statements.get(aspect)
        last = new or old
        if last is None or (old and new and old.value == new.value):
            continue
        values = [None if said is None else said.value for said in (old, new)]
        lost = aspect == "readout" and new is None
        sentence = now.verdict if lost else last.sentence
        changes.append(StatementChange(aspect, values[0], values[1], sentence))
    return changes
