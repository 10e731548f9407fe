"""The arithmetic of single steps, in float64. Arrays x are [n, d] with every value finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_ROUNDING = 10 * float(np.finfo(np.float32).eps)
"""A spread below this share of the vectors' own size is float32 rounding, not signal."""


def l2(x: Doubles) -> Doubles:
    """Rows divided by their Euclidean norms; a row of zeros stays as it is."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: Doubles = x / np.where(norms > 0, norms, 1)
    return scaled


def inverse_deviations(x: Doubles) -> Doubles:
    """1/standard deviation [d], of the population as in scikit-learn's StandardScaler.

    0 for a constant dimension, which the product then turns to 0.
    """
    deviations = x.std(axis=0)
    varies = deviations > _ROUNDING * np.sqrt(np.mean(x**2, axis=0))
    inverse: Doubles = np.zeros_like(deviations)
    inverse[varies] = 1 / deviations[varies]
    return inverse


def principal(x: Doubles) -> tuple[Doubles, Doubles]:
    """Variances [r], largest first, and their directions [d, r] of fixed signs.

    r is the rank: the number of directions in which rows differ by more than rounding.
    """
    centered = x - x.mean(axis=0)
    variances, directions = np.linalg.eigh(centered.T @ centered / (len(x) - 1))
    variances, directions = variances[::-1].clip(min=0), directions[:, ::-1]
    size = np.sqrt(np.vdot(x, x) / len(x))
    rank = int(np.sum(np.sqrt(variances) > _ROUNDING * size))
    return variances[:rank], _with_signs_fixed(directions[:, :rank])


def without(x: Doubles, directions: Doubles) -> Doubles:
    """x less its projections on orthonormal ``directions`` [d, k]."""
    return x - (x @ directions) @ directions.T


def _with_signs_fixed(directions: Doubles) -> Doubles:
    """Columns turned so that the entry of largest size is positive: the same on every machine."""
    largest = np.abs(directions).argmax(axis=0, keepdims=True)
    signs: Doubles = np.sign(np.take_along_axis(directions, largest, axis=0))
    return directions * signs
