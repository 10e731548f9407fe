"""A map from pooled vectors to found ones, recovered by least squares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.matching import distances

Doubles = NDArray[np.float64]

MapKind = Literal["shifted", "each dimension scaled and shifted", "rotated", "linear"]

TRAIN = 0.75
"""The share of rows that a map is fitted on; the others measure it."""

SPARE = 1.25
"""Rows to fit on, as a multiple of the unknowns in a column of the map."""


@dataclass(frozen=True)
class AffineMap:
    """y = x · ``weight`` [d, m] + ``bias`` [m], then divided by its norm if ``normalised``.

    ``error`` is the median over rows that were not fitted on of the distance between directions,
    both less the mean of the found vectors. ``rank`` counts the singular values of ``weight`` above
    a thousandth of the largest.
    """

    weight: Doubles
    bias: Doubles
    normalised: bool
    error: float

    @cached_property
    def rank(self) -> int:
        singular = self._singular
        return int((singular > 1e-3 * singular[0]).sum()) if len(singular) else 0

    @cached_property
    def kind(self) -> MapKind:
        return _kind(self.weight, self._singular)

    @cached_property
    def _singular(self) -> Doubles:
        return np.asarray(np.linalg.svd(self.weight, compute_uv=False), np.float64)

    def apply(self, x: Doubles) -> Doubles:
        """Vectors [n, d] through the map, [n, m]."""
        made: Doubles = x @ self.weight + self.bias
        if self.normalised:
            made = made / np.linalg.norm(made, axis=1, keepdims=True)
        return made


def rows_needed(width: int) -> int:
    """Texts from which a map of vectors [n, ``width``] can be fitted and measured."""
    return int((width + 1) * SPARE / TRAIN) + 16


def fit_map(pooled: Doubles, found: Doubles, *, normalised: bool) -> AffineMap:
    """The map from ``pooled`` [n, d] to ``found`` [n, m]; n is at least ``rows_needed(d)``.

    Where found vectors are ``normalised``, only their directions are known: row i is sᵢ·yᵢ for
    unknown sᵢ > 0. The map then minimises ‖(I − P)·diag(s)·Y‖² for ‖s‖ = 1, P the projection onto
    the columns of [X, 1]: s is the eigenvector of the smallest eigenvalue of (I − P) ∘ (Y·Yᵀ).
    """
    n_train = int(len(pooled) * TRAIN)
    train, test = slice(0, n_train), slice(n_train, None)
    mean, scale = pooled[train].mean(axis=0), pooled[train].std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    x = np.column_stack([(pooled - mean) / scale, np.ones(len(pooled))])
    y = found[train]
    if normalised:
        y = y * _row_scales(x[train], y)[:, None]
    solution, *_ = np.linalg.lstsq(x[train], y, rcond=1e-9)
    weight = solution[:-1] / scale[:, None]
    bias = solution[-1] - mean @ weight
    made = pooled[test] @ weight + bias
    center = found[train].mean(axis=0)
    if normalised:
        made = made / np.linalg.norm(made, axis=1, keepdims=True)
    error = float(np.median(distances(made - center, found[test] - center)))
    return AffineMap(weight, bias, normalised, error)


def _row_scales(x: Doubles, y: Doubles) -> Doubles:
    from scipy.linalg import eigh  # noqa: PLC0415 - slow to import

    q, _ = np.linalg.qr(x)
    rest = np.eye(len(x)) - q @ q.T
    _, vectors = eigh(rest * (y @ y.T), subset_by_index=[0, 0])
    scales: Doubles = vectors[:, 0]
    scaled: Doubles = scales / scales.mean()
    return scaled


def _kind(weight: Doubles, singular: Doubles) -> MapKind:
    if weight.shape[0] == weight.shape[1]:
        diagonal = np.diag(weight)
        off = np.linalg.norm(weight - np.diag(diagonal))
        if off < 0.02 * np.linalg.norm(diagonal):
            return (
                "shifted"
                if np.ptp(diagonal) < 0.02 * abs(diagonal.mean())
                else ("each dimension scaled and shifted")
            )
    if len(singular) and singular[-1] > 0.98 * singular[0]:
        return "rotated"
    return "linear"


@dataclass(frozen=True, slots=True)
class ScaledDimensions:
    """Each dimension of the found vectors is a·x + b of the pooled one: ``slopes`` and ``shifts``
    [m]. ``error`` as of an AffineMap."""

    slopes: Doubles
    shifts: Doubles
    error: float


def fit_scales(pooled: Doubles, found: Doubles) -> ScaledDimensions:
    """One scale and one shift a dimension, as standardising and int8 over ranges have it.

    Fitted on every other row, measured on the others; 8 rows are enough.
    """
    x, y = pooled[::2, : found.shape[1]], found[::2]
    center = x.mean(axis=0)
    spread = x - center
    variance = np.maximum((spread**2).sum(axis=0), 1e-300)
    slopes = (spread * y).sum(axis=0) / variance
    slopes = np.where(np.abs(slopes) > 1e-12, slopes, 1.0)  # a constant dimension
    shifts = y.mean(axis=0) - slopes * center
    made = pooled[1::2, : found.shape[1]] * slopes + shifts
    mean = found[::2].mean(axis=0)
    error = float(np.median(distances(made - mean, found[1::2] - mean)))
    return ScaledDimensions(slopes, shifts, error)
