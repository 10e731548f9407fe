"""How far two sets of vectors of the same probe texts are from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.doctor.drift import Drift
from poolwise.doctor.identify import NOISE
from poolwise.doctor.matching import Doubles, distances
from poolwise.doctor.probe_texts import ProbeKind
from poolwise.doctor.target import Target

DRIFTS = 4.0
"""What is still noise, as a multiple of the drift of a few texts: others may drift further."""


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
        and what vectors may drift by."""
        return max(NOISE, self.target.format.rounding, self.may_drift)

    @property
    def may_drift(self) -> float:
        """How far a vector may be from itself, again or beside other texts."""
        return 0.0 if self.drift is None else DRIFTS * max(self.drift.again, self.drift.beside)


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
