"""Whether a server's vector of a text stays the same: again, beside other texts, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.matching import FARTHEST, Doubles, distances, unit_rows
from poolwise.doctor.source import VectorSource
from poolwise.errors import RefusedTextError

SWAPPED = 0.1
"""A vector this much nearer to another text's, relative to its own text's, is the other's."""

UNSTEADY = 0.01
"""A text's vectors that are further apart are asked for REPETITIONS times more."""

REPETITIONS = 3


@dataclass(frozen=True, slots=True)
class Drift:
    """The largest distances (see ``matching.distances``) between vectors of the same text.

    ``again``: in the same request a second time, of ``texts``. ``beside``: alone, and beside longer
    texts in one request, of ``pairs`` texts, where their vectors are not swapped; 0 pairs where the
    server takes one text a request. ``swapped`` counts those whose vectors came back in another's
    place. ``usual`` is the median of ``again``, of a few repetitions.
    """

    again: float
    beside: float
    swapped: int
    texts: int
    pairs: int = 0
    usual: float = 0.0


def measure_drift(
    source: VectorSource, short: Sequence[str], long: Sequence[str], alone: NDArray[Any]
) -> Drift:
    """``alone`` [n, d] are the vectors of the ``short`` texts, each in a request of its own."""
    single = np.asarray(alone, np.float64)
    again = distances(_alone(source, short), single)
    usual = again
    if again.max(initial=0) > UNSTEADY:
        usual = np.concatenate(
            [again, *(distances(_alone(source, short), single) for _ in range(REPETITIONS))]
        )
    together = _together(source, short, long)
    pairs = len(together) // 2
    own = np.arange(1, 2 * pairs, 2)
    beside = distances(together[own], single[:pairs])
    crossed = np.linalg.norm(
        unit_rows(single[:pairs])[:, None, :] - unit_rows(together)[None, :, :], axis=2
    )
    nearest = crossed.min(axis=1, initial=FARTHEST)
    swapped = nearest < SWAPPED * beside
    return Drift(
        float(again.max(initial=0)),
        float(np.where(swapped, nearest, beside).max(initial=0)),
        int(swapped.sum()),
        len(short),
        pairs,
        float(np.median(usual)) if len(usual) else 0.0,
    )


def _alone(source: VectorSource, texts: Sequence[str]) -> Doubles:
    """The vectors [n, d], each in a request of its own."""
    return np.stack([np.asarray(source.embed([text]), np.float64)[0] for text in texts])


def _together(source: VectorSource, short: Sequence[str], long: Sequence[str]) -> Doubles:
    """Vectors of one request with a long text before each short one, [2·pairs, d]: of as many pairs
    as the source takes, half as many each time it refuses; [0, d] where it takes none."""
    pairs = [text for n, own in enumerate(short) for text in (long[n % len(long)], own)]
    count = len(short)
    while count:
        try:
            return np.asarray(source.embed(pairs[: 2 * count]), np.float64)
        except RefusedTextError:
            count //= 2
    return np.zeros((0, 1))
