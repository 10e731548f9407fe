"""Whether texts that differ in capitals alone have one vector, as from a cache of lower-cased
texts."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.doctor.evidence import Evidence
from poolwise.doctor.identify import Identification
from poolwise.doctor.matching import distances
from poolwise.doctor.reader import Reader
from poolwise.doctor.statement import Statement

APART = 3.0
"""The model's vectors of two spellings differ where they are this many times the noise apart."""


def shared_by_case(
    reader: Reader, evidence: Evidence, found: Identification
) -> Iterator[Statement]:
    """A statement where the found vectors are the same and the readout's are not."""
    first: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for row, text in enumerate(evidence.texts):
        other = first.setdefault(text.lower(), row)
        if text != evidence.texts[other]:
            pairs.append((other, row))
    if not pairs or found.target.binary:
        return
    left, right = map(list, zip(*pairs, strict=True))
    best, values = found.best, found.target.values
    made = [
        best.vectors(reader, [evidence.texts[row] for row in rows], best.reading)
        for rows in (left, right)
    ]
    differ = distances(made[0], made[1]) > APART * found.noise
    shared = differ & (distances(values[left], values[right]) <= found.noise)
    if not shared.any():
        return
    text, other = (evidence.texts[rows[int(shared.argmax())]] for rows in (left, right))
    yield Statement(
        "cache",
        "lower-cased texts",
        f"Texts that differ in capitals alone have one vector, {text!r} and {other!r} for one: it "
        "comes from a cache whose keys are lower-cased.",
        texts=len(pairs),
        agrees=False,
    )
