"""A folder's own layers after pooling: sentence-transformers' Dense, LayerNorm and Normalize.

They are what the step ``dense`` of a readout applies: LaBSE declares ``cls@-1|dense|l2``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Protocol

import numpy as np

from poolwise.encoders.modules.activations import ACTIVATIONS, HALVING, Doubles
from poolwise.records import Floats

LAYER_NORM_EPSILON = 1e-5
"""What torch's LayerNorm adds to the variance."""


class HeadLayer(Protocol):
    """One layer: what it takes and gives, and how."""

    @property
    def takes(self) -> int | None:
        """Dimensions in; None for any number."""
        ...

    @property
    def gives(self) -> int | None:
        """Dimensions out; None for as many as went in."""
        ...

    @property
    def tensors(self) -> Mapping[str, Floats]:
        """The weights, as the module's own file names them."""
        ...

    def apply(self, x: Doubles) -> Doubles:
        """x [n, d] → [n, k], in float64."""
        ...


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """activation(weight · x + bias), to which ``residual`` adds x or what it makes of x.

    ``tensors``: ``linear.weight`` [k, d]; ``linear.bias`` [k] if there is one; ``residual.weight``
    [k, d] where the residual is projected; ``activation_function.weight`` of PReLU.
    """

    tensors: Mapping[str, Floats] = field(repr=False)
    activation: str = "Tanh"
    residual: bool = False

    @property
    def takes(self) -> int:
        return int(self.tensors["linear.weight"].shape[1])

    @property
    def gives(self) -> int:
        outputs = int(self.tensors["linear.weight"].shape[0])
        return outputs // 2 if self.activation == HALVING else outputs

    def apply(self, x: Doubles) -> Doubles:
        made = x @ self.tensors["linear.weight"].T.astype(np.float64)
        if "linear.bias" in self.tensors:
            made += self.tensors["linear.bias"]
        made = self._activated(made)
        if not self.residual:
            return made
        weight = self.tensors.get("residual.weight")
        return made + (x if weight is None else x @ weight.T.astype(np.float64))

    def _activated(self, x: Doubles) -> Doubles:
        slope = self.tensors.get("activation_function.weight")
        if slope is not None:
            return np.where(x >= 0, x, slope * x)
        return np.asarray(ACTIVATIONS[self.activation](x), np.float64)


@dataclass(frozen=True, eq=False)
class NormLayer:
    """torch's LayerNorm. ``tensors``: ``norm.weight`` and ``norm.bias``, [d] each."""

    tensors: Mapping[str, Floats] = field(repr=False)

    @property
    def takes(self) -> int:
        return len(self.tensors["norm.weight"])

    @property
    def gives(self) -> int:
        return self.takes

    def apply(self, x: Doubles) -> Doubles:
        centred = x - x.mean(axis=1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=1, keepdims=True) + LAYER_NORM_EPSILON)
        scaled: Doubles = centred / scale * self.tensors["norm.weight"] + self.tensors["norm.bias"]
        return scaled


@dataclass(frozen=True, eq=False)
class UnitLayer:
    """Normalize between other layers: rows divided by their Euclidean norms."""

    takes: None = None
    gives: None = None
    tensors: Mapping[str, Floats] = field(default_factory=dict, repr=False)

    def apply(self, x: Doubles) -> Doubles:
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        scaled: Doubles = x / np.where(norms > 0, norms, 1)
        return scaled


@dataclass(frozen=True, eq=False)
class Head:
    """The layers, in order; the first and the last of them learn something."""

    layers: tuple[HeadLayer, ...]

    @property
    def widths(self) -> tuple[int, int]:
        """Dimensions in and out."""
        takes = [layer.takes for layer in self.layers if layer.takes is not None]
        gives = [layer.gives for layer in self.layers if layer.gives is not None]
        return takes[0], gives[-1]

    def apply(self, x: Doubles) -> Doubles:
        """Vectors [n, d] through every layer, float64 [n, k]."""
        for layer in self.layers:
            x = layer.apply(x)
        return x

    @staticmethod
    def widths_of(head: Head | None) -> tuple[int, int] | None:
        """The widths of a head that may not be there."""
        return None if head is None else head.widths

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the layers' kinds, activations and weights."""
        digest = sha256()
        for part in self._parts():
            digest.update(part)
        return digest.hexdigest()

    def _parts(self) -> Iterator[bytes]:
        for layer in self.layers:
            yield repr(layer).encode()
            for name in sorted(layer.tensors):
                tensor = layer.tensors[name]
                yield f" {name} {tensor.shape} ".encode()
                yield np.ascontiguousarray(tensor).tobytes()
