"""What there is to say of data before anything is measured on them: rows drawn, rows left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from poolwise.records import Finding
from poolwise.texts import Dataset


def as_read(finding: Finding, sets: Sequence[Dataset]) -> Finding:
    """The finding with the notes of the data it is about, and ``sampled`` in its provenance: a
    limit's ``source``, ``rows``, ``of``, ``seed`` for each source of which it took some."""
    several = len(sets) > 1
    said = [f"{one.name}: {note}" if several else note for one in sets for note in one.notes]
    sampled = [asdict(sample) for one in sets for sample in one.samples]
    made = {**finding.provenance, "sampled": sampled} if sampled else finding.provenance
    return replace(finding, notes=[*said, *finding.notes], provenance=made)
