"""Whether a server's vector of a text stays the same: again, beside other texts, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.matching import distances, unit_rows
from poolwise.doctor.source import VectorSource

SWAPPED = 0.1
"""A vector this much nearer to another text's, relative to its own text's, is the other's."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The largest distances (see ``matching.distances``) between vectors of the same text.

    ``again``: in the same request a second time. ``beside``: alone, and beside longer texts.
    ``swapped`` counts the texts whose vectors came back in another's place.
    """

    again: float
    beside: float
    swapped: int
    texts: int


def measure_drift(
    source: VectorSource, short: Sequence[str], long: Sequence[str], alone: NDArray[Any]
) -> Drift:
    """``alone`` [n, d] are the vectors of the ``short`` texts, each in a request of its own."""
    single = np.asarray(alone, np.float64)
    again = np.stack([np.asarray(source.embed([text]), np.float64)[0] for text in short])
    mixed = [text for pair in zip(short, _cycled(long, len(short)), strict=True) for text in pair]
    together = np.asarray(source.embed(mixed), np.float64)
    own = np.arange(0, len(mixed), 2)
    beside = distances(together[own], single)
    crossed = np.linalg.norm(
        unit_rows(single)[:, None, :] - unit_rows(together)[None, :, :], axis=2
    )
    swapped = (crossed.argmin(axis=1) != own) & (crossed.min(axis=1) < SWAPPED * beside)
    return Drift(
        float(distances(again, single).max(initial=0)),
        float(beside.max(initial=0)),
        int(swapped.sum()),
        len(short),
    )


def _cycled(texts: Sequence[str], count: int) -> list[str]:
    return [texts[i % len(texts)] for i in range(count)]
