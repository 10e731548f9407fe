"""The layers after pooling that a model was trained with: Dense, LayerNorm, Normalize.

The step ``dense`` of a readout applies them: LaBSE declares ``cls@-1|dense|l2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Protocol

import numpy as np

from poolwise.encoders.modules.activations import ACTIVATIONS, HALVING, Doubles
from poolwise.records import Floats

LAYER_NORM_EPSILON = 1e-5
"""What torch's LayerNorm adds to the variance."""


class DenseStackLayer(Protocol):
    """A layer on pooled vectors."""

    @property
    def in_features(self) -> int | None:
        """Dimensions of its input; None for any number."""
        ...

    @property
    def out_features(self) -> int | None:
        """Dimensions of its output; None for as many as the input has."""
        ...

    @property
    def tensors(self) -> Mapping[str, Floats]:
        """The weights, as the module's own file names them."""
        ...

    @property
    def signature(self) -> str:
        """Kind and options, as they enter the model's hash."""
        ...

    def apply(self, x: Doubles) -> Doubles:
        """x [n, d] → [n, k], in float64."""
        ...


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """activation(weight · x + bias), plus x, projected where its width changes, if ``residual``.

    ``tensors``: ``linear.weight`` [k, d]; ``linear.bias`` [k] if there is one; ``residual.weight``
    [k, d] where the residual is projected; ``activation_function.weight`` of PReLU.
    """

    tensors: Mapping[str, Floats] = field(repr=False)
    activation: str = "Tanh"
    residual: bool = False

    @property
    def in_features(self) -> int:
        return int(self.tensors["linear.weight"].shape[1])

    @property
    def out_features(self) -> int:
        outputs = int(self.tensors["linear.weight"].shape[0])
        return outputs // 2 if self.activation == HALVING else outputs

    @property
    def signature(self) -> str:
        return f"DenseLayer(activation={self.activation!r}, residual={self.residual!r})"

    def apply(self, x: Doubles) -> Doubles:
        y = x @ self.tensors["linear.weight"].T.astype(np.float64)
        if "linear.bias" in self.tensors:
            y += self.tensors["linear.bias"]
        y = self._activate(y)
        if not self.residual:
            return y
        weight = self.tensors.get("residual.weight")
        return y + (x if weight is None else x @ weight.T.astype(np.float64))

    def _activate(self, x: Doubles) -> Doubles:
        slope = self.tensors.get("activation_function.weight")
        if slope is not None:
            return np.where(x >= 0, x, slope * x)
        return np.asarray(ACTIVATIONS[self.activation](x), np.float64)


@dataclass(frozen=True, eq=False)
class NormLayer:
    """torch's LayerNorm. ``tensors``: ``norm.weight`` and ``norm.bias``, [d] each."""

    tensors: Mapping[str, Floats] = field(repr=False)
    signature: ClassVar[str] = "NormLayer()"

    @property
    def in_features(self) -> int:
        return len(self.tensors["norm.weight"])

    @property
    def out_features(self) -> int:
        return self.in_features

    def apply(self, x: Doubles) -> Doubles:
        centred = x - x.mean(axis=1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=1, keepdims=True) + LAYER_NORM_EPSILON)
        scaled: Doubles = centred / scale * self.tensors["norm.weight"] + self.tensors["norm.bias"]
        return scaled


@dataclass(frozen=True, eq=False)
class NormalizeLayer:
    """Normalize between other layers: rows divided by their Euclidean norms."""

    in_features: None = None
    out_features: None = None
    tensors: Mapping[str, Floats] = field(default_factory=dict, repr=False)
    signature: ClassVar[str] = "UnitLayer(takes=None, gives=None)"  # its name when hashes began

    def apply(self, x: Doubles) -> Doubles:
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        scaled: Doubles = x / np.where(norms > 0, norms, 1)
        return scaled


@dataclass(frozen=True, eq=False)
class DenseStack:
    """Layers in order, of which the first and the last have weights."""

    layers: tuple[DenseStackLayer, ...]

    @property
    def widths(self) -> tuple[int, int]:
        """Dimensions in and out."""
        inputs = [layer.in_features for layer in self.layers if layer.in_features is not None]
        outputs = [layer.out_features for layer in self.layers if layer.out_features is not None]
        return inputs[0], outputs[-1]

    def apply(self, x: Doubles) -> Doubles:
        """Vectors [n, d] through every layer, float64 [n, k]."""
        for layer in self.layers:
            x = layer.apply(x)
        return x

    @staticmethod
    def widths_of(dense_stack: DenseStack | None) -> tuple[int, int] | None:
        """The widths of a stack, None without one."""
        return None if dense_stack is None else dense_stack.widths

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the layers' kinds, activations and weights."""
        digest = sha256()
        for layer in self.layers:
            digest.update(layer.signature.encode())
            for name in sorted(layer.tensors):
                tensor = layer.tensors[name]
                digest.update(f" {name} {tensor.shape} ".encode())
                digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.hexdigest()
