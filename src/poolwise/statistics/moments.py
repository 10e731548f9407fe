"""Count, mean and scatter of rows that stream past."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.blas import dsyrk

Array = NDArray[np.float64]


class Moments:
    """Mean [d] and scatter Σ(x − mean)(x − mean)ᵀ [d, d] of the rows added so far.

    Memory is d² numbers however many rows pass. Append the targets to the features as further
    columns, and the scatter holds X'X, X'y and y'y, centred. Rows are centred before they are
    multiplied, so a large common offset costs no digits. Blocks merge by Chan, Golub & LeVeque
    (1983), "Algorithms for computing the sample variance".
    """

    def __init__(self, width: int) -> None:
        self.n = 0
        self.mean: Array = np.zeros(width)
        self._upper: Array = np.zeros((width, width), order="F")

    def add(self, rows: ArrayLike) -> None:
        """Take in rows [n, d]."""
        x = np.array(rows, np.float64, ndmin=2)
        if not len(x):
            return
        mean = x.mean(axis=0)
        x -= mean
        between = self._join(len(x), mean)
        block = np.concatenate([x, between[None]])
        self._upper = dsyrk(1.0, block.T, beta=1.0, c=self._upper, overwrite_c=1)

    def merge(self, other: Moments) -> None:
        """Take in the rows that ``other`` has seen."""
        if other.n:
            between = self._join(other.n, other.mean)
            self._upper += other._upper
            self._upper += np.triu(np.outer(between, between))

    @classmethod
    def merged(cls, parts: Iterable[Moments]) -> Moments:
        """One from at least one; the parts stay as they are."""
        first, *rest = parts
        whole = cls(len(first.mean))
        for part in (first, *rest):
            whole.merge(part)
        return whole

    @property
    def scatter(self) -> Array:
        """Σ(x − mean)(x − mean)ᵀ, [d, d]."""
        return self._upper + np.triu(self._upper, 1).T

    @property
    def variance(self) -> Array:
        """Population variance of each column, [d]; zeros before the first row."""
        variance: Array = np.diag(self._upper) / max(self.n, 1)
        return variance

    def _join(self, n: int, mean: Array) -> Array:
        """Move the mean; return v whose vvᵀ is the scatter between the old rows and the new."""
        total = self.n + n
        between: Array = (mean - self.mean) * np.sqrt(self.n * n / total)
        self.mean = self.mean + (mean - self.mean) * (n / total)
        self.n = total
        return between
