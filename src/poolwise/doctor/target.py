"""Found vectors, as they are compared with a model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.matching import distances
from poolwise.doctor.precision import NumberFormat, number_format

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Target:
    """``values`` [n, d]: found vectors in float64; of bits, -1 and 1."""

    values: Doubles
    format: NumberFormat

    @classmethod
    def of(cls, vectors: NDArray[Any], width: int) -> Target:
        """Vectors [n, m] as received; bits may be packed, eight of a model's ``width`` a byte."""
        numbers = number_format(vectors)
        packed = vectors.dtype.kind in "iu" and vectors.shape[1] * 8 == width
        if packed:
            signed = np.asarray(vectors, np.int64)
            # sentence-transformers' "binary" is "ubinary" less 128.
            offset = 128 if signed.min(initial=0) < 0 else 0
            bits = np.unpackbits((signed + offset).astype(np.uint8), axis=1)
            return cls(np.asarray(bits * 2.0 - 1, np.float64), NumberFormat("bits"))
        values = np.asarray(vectors, np.float64)
        if numbers.kind == "bits":
            values = np.where(values > 0, 1.0, -1.0)
        return cls(values, numbers)

    @property
    def width(self) -> int:
        """Dimensions of a vector."""
        return int(self.values.shape[1])

    @property
    def binary(self) -> bool:
        """Whether only the signs of the values are known."""
        return self.format.kind == "bits"

    def distances(self, made: Doubles) -> Doubles:
        """Of each row from the first dimensions of ``made`` [..., n, d], [..., n]; see
        ``matching.distances``."""
        kept = made[..., : self.width]
        if self.binary:
            kept = np.where(np.isnan(kept), np.nan, np.where(kept > 0, 1.0, -1.0))
        return distances(kept, self.values)

    def rows(self, rows: Sequence[int] | NDArray[np.intp]) -> Target:
        """The target of these rows."""
        return replace(self, values=self.values[np.asarray(rows, np.intp)])

    def part(self, start: int, end: int) -> Target:
        """The target of these dimensions."""
        return replace(self, values=self.values[:, start:end])
