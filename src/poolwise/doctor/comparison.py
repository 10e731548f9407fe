"""Whether two servers make the same vectors; and if not, which readout each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from poolwise.doctor.diagnose import diagnose_evidence
from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.difference import (
    LOW_PRECISION,
    Difference,
    KindDifference,
    ProbeVectors,
    difference,
    probe_vectors,
)
from poolwise.doctor.evidence import Evidence, probes, send
from poolwise.doctor.identify import ROUNDINGS
from poolwise.doctor.reader import Reader
from poolwise.doctor.source import VectorSource
from poolwise.doctor.statement import Aspect
from poolwise.json_values import to_plain
from poolwise.model import Model

Relation = Literal["the same", "up to precision", "up to length", "different"]
"""What of two sets of vectors agrees: their values; these but for how numbers are rounded; their
directions; not even those."""


PRECISIONS = 5.0
"""How far lower precision moves any text, at most, as a multiple of the median of plain ones; of
the demo model: 2 (benchmarks/doctor.py). A fault that touches few texts moves those further."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is said of an aspect of each of two servers; None where nothing."""

    aspect: Aspect
    one: str | None
    other: str | None


@dataclass(frozen=True, slots=True)
class EndpointComparison:
    """How the vectors of two servers are related, text by text.

    ``largest`` and ``median`` are distances between directions (see ``matching.distances``),
    ``cosine`` the smallest; ``noise`` is what means nothing. ``differences`` are by kind of text;
    ``contrasts`` what their ``diagnoses`` say otherwise, which are made where they are different.
    """

    relation: Relation
    verdict: str
    model: str
    endpoints: tuple[str, str]
    texts: int
    largest: float
    median: float
    cosine: float
    noise: float
    differences: Sequence[KindDifference] = ()
    contrasts: Sequence[Contrast] = ()
    diagnoses: tuple[Diagnosis, Diagnosis] | None = None

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        names = [field.name for field in fields(self)]
        data = {name: getattr(self, name) for name in names if name != "diagnoses"}
        diagnoses = [diagnosis.to_json() for diagnosis in self.diagnoses or ()]
        plain: dict[str, Any] = to_plain({**data, "same": self.same, "diagnoses": diagnoses})
        return plain

    @property
    def same(self) -> bool:
        """Whether one may stand in for the other: their vectors differ by precision at most."""
        return self.relation in ("the same", "up to precision")

    def __str__(self) -> str:
        return self.verdict


def compare_sources(
    model: Model,
    sources: tuple[VectorSource, VectorSource],
    *,
    prompts: Sequence[str] = (),
    progress: bool = False,
) -> EndpointComparison:
    """Send both the same probe texts. Raises EndpointError where either fails."""
    kinds = probes(Reader(model))
    texts = [text for of_kind in kinds.values() for text in of_kind]
    plain = len(kinds["plain"])
    found = [send(source, texts, plain=plain, progress=progress) for source in sources]
    one, other = (probe_vectors(evidence, model.width) for evidence in found)
    apart = difference(kinds, one, other)
    noise = max(one.noise, other.noise)
    relation = _relation(apart, one, other, noise)
    diagnoses = None
    contrasts: list[Contrast] = []
    if relation != "the same":
        a, b = (_diagnosed(model, evidence, prompts, progress) for evidence in found)
        diagnoses, contrasts = (a, b), _contrasts(a, b)
    names = (found[0].description, found[1].description)
    largest = float(apart.directions.max(initial=0))
    return EndpointComparison(
        relation,
        _verdict(relation, apart, names, noise, [one.steady, other.steady]),
        model.name,
        names,
        len(apart.texts),
        largest,
        float(np.median(apart.directions)),
        1 - largest**2 / 2,
        noise,
        list(apart.by_kind(noise)),
        contrasts,
        diagnoses,
    )


def _diagnosed(
    model: Model, evidence: Evidence, prompts: Sequence[str], progress: bool
) -> Diagnosis:
    return diagnose_evidence(model, evidence, prompts=prompts, progress=progress)


def _relation(apart: Difference, one: ProbeVectors, other: ProbeVectors, noise: float) -> Relation:
    steady = one.steady and other.steady
    if apart.dimensions[0] != apart.dimensions[1] or apart.refused or not steady:
        return "different"
    if (apart.gaps <= noise).all():
        return "the same"
    coarser = max(one.target.format.rounding, other.target.format.rounding)
    arithmetic = min(PRECISIONS * apart.typical, LOW_PRECISION)
    precision = max(noise, arithmetic, ROUNDINGS * coarser)
    if (apart.gaps <= precision).all():
        return "up to precision"
    return "up to length" if (apart.directions <= precision).all() else "different"


def _verdict(
    relation: Relation,
    apart: Difference,
    names: tuple[str, str],
    noise: float,
    steady: Sequence[bool],
) -> str:
    n, (one, other) = len(apart.texts), names
    largest = float(apart.directions.max(initial=0))
    cosine = 1 - largest**2 / 2
    who = f"{one} and {other}"
    match relation:
        case "the same":
            return f"{who} make the same vectors: {n} texts, at most {apart.largest:.1g} apart."
        case "up to precision":
            return (
                f"{who} make the same vectors up to precision: {n} texts, at most "
                f"{apart.largest:.1g} apart, cosine at least {cosine:.7f}."
            )
        case "up to length":
            return (
                f"{who} make vectors of the same directions and other lengths: cosines stay the "
                f"same, dot products and distances do not."
            )
    parts = []
    if apart.dimensions[0] != apart.dimensions[1]:
        parts.append(f"{apart.dimensions[0]:,} dimensions and {apart.dimensions[1]:,}")
    moved = int((apart.directions > noise).sum())
    if moved:
        parts.append(
            f"those of {moved} of {n} texts have other directions, cosine down to {cosine:.4f}"
        )
    if apart.refused:
        parts.append(f"one alone refuses {len(apart.refused)} texts")
    for name, is_steady in zip(names, steady, strict=True):
        if not is_steady:
            parts.append(f"those of {name} depend on other texts in a request, or on chance")
    return f"{who} make different vectors: {'; '.join(parts)}."


def _contrasts(one: Diagnosis, other: Diagnosis) -> list[Contrast]:
    """The aspects of which another value is said; of an unidentified one, only what both say."""
    values = [_values(one), _values(other)]
    aspects = [*dict.fromkeys([*values[0], *values[1]])]
    both = one.identified and other.identified
    return [
        Contrast(aspect, values[0].get(aspect), values[1].get(aspect))
        for aspect in aspects
        if values[0].get(aspect) != values[1].get(aspect)
        and (both or aspect == "readout" or all(aspect in said for said in values))
    ]


def _values(diagnosis: Diagnosis) -> Mapping[Aspect, str]:
    return {statement.aspect: statement.value for statement in diagnosis.statements}
