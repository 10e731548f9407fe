"""How far two sets of vectors of the same probe texts are from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.doctor.drift import Drift
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.identify import NOISE
from poolwise.doctor.matching import Doubles, distances
from poolwise.doctor.probe_texts import ProbeKind
from poolwise.doctor.target import Target

DRIFTS = 4.0
"""What is still noise, as a multiple of the drift of a few texts: others may drift further."""

LOW_PRECISION = 0.02
"""How far bfloat16 moves a vector, at most; of the demo model: 0.013 (benchmarks/doctor.py)."""


@dataclass(frozen=True, slots=True)
class ProbeVectors:
    """``texts`` [n] that were answered with their ``target`` [n, d], those ``refused``, and how
    far the vectors of a few of them drift."""

    texts: Sequence[str]
    target: Target
    refused: Mapping[str, str]
    drift: Drift | None = None

    @property
    def noise(self) -> float:
        """The distance within which a vector is the same: float32's, the rounding of the values,
        and what vectors drift by, up to LOW_PRECISION: beyond it there is a fault."""
        drift = DRIFTS * max(self.again, self.beside)
        return max(NOISE, self.target.format.rounding, min(drift, LOW_PRECISION))

    @property
    def steady(self) -> bool:
        """Whether a text has the same vector each time, and beside others, but for precision."""
        return not self.swapped and max(self.again, self.beside) <= LOW_PRECISION

    @property
    def again(self) -> float:
        """How far vectors of the same text are apart, each alone in a request."""
        return 0.0 if self.drift is None else self.drift.again

    @property
    def beside(self) -> float:
        """How far a text's vectors alone and beside others are apart."""
        return 0.0 if self.drift is None else self.drift.beside

    @property
    def swapped(self) -> int:
        """Vectors of a request that are those of other texts."""
        return 0 if self.drift is None else self.drift.swapped


def probe_vectors(evidence: Evidence, width: int) -> ProbeVectors:
    """Of probe texts that were sent; ``width`` is the model's, as ``Target.of`` takes it."""
    target = Target.of(evidence.vectors, width)
    return ProbeVectors(evidence.texts, target, evidence.refused, evidence.drift)


@dataclass(frozen=True, slots=True)
class KindDifference:
    """Of the ``texts`` of one kind, how many are ``apart``, and how far: ``largest`` and ``median``
    of ``Difference.gaps`` and the smallest ``cosine``. ``refused`` counts those that one of the two
    refuses."""

    kind: ProbeKind
    texts: int
    apart: int
    largest: float
    median: float
    cosine: float
    refused: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two sets of vectors, ``dimensions`` of each; the rest is of the first dimensions of both.

    By text [n]: how far ``directions`` are apart (see ``matching.distances``), and ``gaps``, which
    count lengths too: ‖x − y‖ / max(‖x‖, ‖y‖), 0 to 2. One alone refuses the texts ``refused``.
    """

    kinds: Mapping[ProbeKind, Sequence[str]]
    texts: Sequence[str]
    directions: Doubles
    gaps: Doubles
    refused: Sequence[str]
    dimensions: tuple[int, int]

    @property
    def largest(self) -> float:
        return float(self.gaps.max(initial=0))

    @property
    def typical(self) -> float:
        """The median of the plain texts' directions."""
        plain = set(self.kinds["plain"])
        rows = [row for row, text in enumerate(self.texts) if text in plain]
        return float(np.median(self.directions[rows])) if rows else 0.0

    def by_kind(self, noise: float) -> Iterator[KindDifference]:
        """Of each kind of which a text was sent; ``apart`` counts those further than ``noise``."""
        for kind, texts in self.kinds.items():
            sent = set(texts)
            rows = [row for row, text in enumerate(self.texts) if text in sent]
            gaps = self.gaps[rows]
            yield KindDifference(
                kind,
                len(rows),
                int((gaps > noise).sum()),
                float(gaps.max(initial=0)),
                float(np.median(gaps)) if rows else 0.0,
                1 - float(self.directions[rows].max(initial=0)) ** 2 / 2,
                len(sent & set(self.refused)),
            )


def difference(
    kinds: Mapping[ProbeKind, Sequence[str]], one: ProbeVectors, other: ProbeVectors
) -> Difference:
    """Of the texts that both answer."""
    width = min(one.target.width, other.target.width)
    places = {text: row for row, text in enumerate(other.texts)}
    common = [(row, text) for row, text in enumerate(one.texts) if text in places]
    x = one.target.values[[row for row, _ in common], :width]
    y = other.target.values[[places[text] for _, text in common], :width]
    if one.target.binary != other.target.binary:
        x, y = (np.where(values > 0, 1.0, -1.0) for values in (x, y))
    refused = sorted(set(one.refused) ^ set(other.refused))
    return Difference(
        kinds,
        [text for _, text in common],
        distances(x, y),
        _gaps(x, y),
        refused,
        (one.target.width, other.target.width),
    )


def _gaps(x: Doubles, y: Doubles) -> Doubles:
    norms = np.maximum(np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1))
    gaps: Doubles = np.linalg.norm(x - y, axis=1) / np.where(norms > 0, norms, 1)
    return gaps
