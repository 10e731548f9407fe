"""Which rows go together: drawn by a hash of the row number, the same however rows arrive."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STEP = 0x9E3779B97F4A7C15
_ROUNDS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


def hash_uniform(rows: ArrayLike, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each row number, [n]: SplitMix64 (Steele, Lea & Flood 2014)."""
    state = _mix(np.full(1, seed, np.uint64)) + np.asarray(rows).astype(np.uint64).ravel()
    return np.ldexp((_mix(state) >> np.uint64(11)).astype(np.float64), -53)


def assign_folds(rows: ArrayLike, folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each row number, [n] of 0 … folds − 1."""
    return (hash_uniform(rows, seed) * folds).astype(np.intp)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (state + np.uint64(1)) * np.uint64(_STEP)
    for shift, factor in _ROUNDS:
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z
