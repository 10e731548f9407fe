"""How near two sets of vectors are to each other, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

LengthKind = Literal[
    "as pooled", "l2", "l2 before the cut", "scaled", "grows with √tokens", "grows with tokens", "?"
]

FARTHEST = 2.0
"""The distance of opposite directions, and of a vector from none."""


def unit_rows(x: Doubles) -> Doubles:
    """Each row [..., d] divided by its Euclidean norm; rows of zeros stay."""
    norms = np.linalg.norm(x, axis=-1, keepdims=True)
    scaled: Doubles = x / np.where(norms > 0, norms, 1)
    return scaled


def distances(x: Doubles, y: Doubles) -> Doubles:
    """Between the directions of the rows of x [..., n, d] and y [n, d], [..., n]: ‖x/‖x‖ − y/‖y‖‖,
    0 to 2.

    It is √(2 − 2 cos), which is exact for small angles, where 1 − cos is not. FARTHEST where a row
    is not finite.
    """
    gaps = np.linalg.norm(unit_rows(x) - unit_rows(y), axis=-1)
    return np.where(np.isfinite(gaps), gaps, FARTHEST)


@dataclass(frozen=True, slots=True)
class Lengths:
    """How the norms of found vectors follow from those of the pooled ones.

    ``factor`` is the norm over that of the kind, over all rows; ``spread`` how far rows are from
    that, relative.
    """

    kind: LengthKind
    factor: float
    spread: float


UNKNOWN_LENGTHS = Lengths("?", 0.0, 0.0)


def match_lengths(
    pooled: Doubles, target: Doubles, n_tokens: NDArray[np.intp], tolerance: float
) -> Lengths:
    """What is true of the norms of ``target`` [n, m], whose directions are those of ``pooled`` [n,
    d], the first m dimensions of which were kept.

    The kinds are tried in the order of LengthKind; ``?`` where none fits every row within
    ``tolerance`` (relative).
    """
    kept = np.linalg.norm(pooled[:, : target.shape[1]], axis=1)
    expected: Mapping[LengthKind, Callable[[], Doubles]] = {
        "as pooled": lambda: kept,
        "l2": lambda: np.ones(len(kept)),
        "l2 before the cut": lambda: kept / np.linalg.norm(pooled, axis=1),
        "grows with √tokens": lambda: kept * np.sqrt(n_tokens),
        "grows with tokens": lambda: kept * n_tokens,
        "scaled": lambda: kept,
    }
    norms = np.linalg.norm(target, axis=1)
    fits: list[Lengths] = []
    for kind, expectation in expected.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = norms / expectation()
        ratios = ratios[np.isfinite(ratios)]
        if not len(ratios):
            continue
        factor = float(np.median(ratios))
        spread = float(np.median(np.abs(ratios / (factor or 1) - 1)))
        exact = kind == "scaled" or abs(factor - 1) <= tolerance
        if exact and spread <= tolerance:
            return Lengths(kind, factor, spread)
        fits.append(Lengths("?", factor, spread))
    return min(fits, key=lambda fit: fit.spread, default=UNKNOWN_LENGTHS)
