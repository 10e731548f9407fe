"""Notes on the data of a finding: rows sampled, rows left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from poolwise.records import Finding
from poolwise.texts import Dataset


def with_data_notes(finding: Finding, sets: Sequence[Dataset]) -> Finding:
    """The finding with the notes of the data it is about, and ``sampled`` in its provenance: a
    limit's ``source``, ``rows``, ``of``, ``seed`` for each source of which it took some."""
    several = len(sets) > 1
    notes = [f"{data.name}: {note}" if several else note for data in sets for note in data.notes]
    samples = [asdict(sample) for data in sets for sample in data.samples]
    provenance = {**finding.provenance, "sampled": samples} if samples else finding.provenance
    return replace(finding, notes=[*notes, *finding.notes], provenance=provenance)
