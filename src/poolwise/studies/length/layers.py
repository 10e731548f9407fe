"""The norms that are held against a sentence's length, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Array = NDArray[np.float64]

NORM = "norm"
BEFORE_GAIN = "norm before gain and bias"

IDENTITY = 1e-3
"""How far, relatively, a norm may be from √d and still be it.

A LayerNorm divides by √(variance + eps): with eps 1e-5 and a variance of 0.1 its output falls short
by 5e-5. Half precision adds a little under 1e-3.
"""

NO_GAIN = 1e-4
"""Beside a bias, a gain this small leaves less than three digits of float32 to divide by it.

However small they are, where gain and bias are small together nothing is lost.
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One number a sentence: the norm ``of`` what the readout reads."""

    readout: str
    layer: int
    of: str = NORM


@dataclass(frozen=True, slots=True)
class Layer:
    """A hidden state, its two readouts, and the LayerNorm that made it, where one did."""

    index: int
    gain: Array | None = None
    bias: Array | None = None

    @property
    def cls(self) -> str:
        return f"cls@{self.index}"

    @property
    def mean(self) -> str:
        return f"mean@{self.index}"

    @property
    def readouts(self) -> tuple[str, str]:
        return self.cls, self.mean

    @property
    def series(self) -> list[Series]:
        """The series of ``norms``, in the order of its columns."""
        norms = [Series(self.cls, self.index), Series(self.mean, self.index)]
        if self.gain is not None:
            norms.append(Series(self.cls, self.index, BEFORE_GAIN))
        return norms

    def norms(self, vectors: Mapping[str, Array]) -> Array:
        """From vectors [n, d], [n, number of series]."""
        cls, mean = vectors[self.cls], vectors[self.mean]
        columns = [_norm(cls), _norm(mean)]
        if self.gain is not None:
            columns.append(_norm(self._before_gain(cls, self.gain)))
        return np.stack(columns, axis=1)

    @property
    def root(self) -> float | None:
        """√d, the norm before gain and bias; None where it cannot be read back."""
        if self.gain is None or self._without_gain > 1:
            return None
        return float(np.sqrt(len(self.gain)))

    @property
    def _without_gain(self) -> int:
        return 0 if self.gain is None else int((~self._readable(self.gain)).sum())

    def _readable(self, gain: Array) -> NDArray[np.bool_]:
        bias = np.zeros_like(gain) if self.bias is None else self.bias
        least = np.maximum(NO_GAIN * np.abs(bias), np.finfo(np.float32).tiny)
        return np.asarray(np.abs(gain) > least)

    def _before_gain(self, vectors: Array, gain: Array) -> Array:
        """What the LayerNorm had before gain and bias: (h − bias) / gain, [n, d].

        Its dimensions sum to 0, so a single one without gain is minus the sum of the others. More
        than one cannot be told apart; they are left out.
        """
        readable = self._readable(gain)
        shifted = vectors if self.bias is None else vectors - self.bias
        before = shifted[:, readable] / gain[readable]
        if self._without_gain != 1:
            return before
        return np.hstack([before, -before.sum(axis=1, keepdims=True)])


def layers_of(encoder: Encoder) -> Sequence[Layer]:
    """Every layer of the encoder, embeddings first."""
    return [_layer(encoder, k) for k in range(encoder.depth + 1)]


def _layer(encoder: Encoder, k: int) -> Layer:
    found = encoder.norm(k)
    if found is None:
        return Layer(k)
    gain, bias = found
    return Layer(
        k,
        np.asarray(gain, np.float64),
        None if bias is None else np.asarray(bias, np.float64),
    )


def _norm(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=1))
