"""sentence-transformers' stock modules, in the dialect that every version of it loads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from poolwise.encoders.modules.dense_stack import DenseLayer, DenseStackLayer, NormLayer
from poolwise.readouts import POOLING_MODES, PoolingMode
from poolwise.records import Floats
from poolwise.transforms.linear import Doubles


def activation_class(name: str) -> str:
    """The path of torch's class of this name."""
    return f"torch.nn.modules.{'linear' if name == 'Identity' else 'activation'}.{name}"


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One module behind the encoder: its class, its config.json, its tensors."""

    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, Floats] = field(default_factory=dict)


def weighted_layers(width: int, weights: Doubles) -> Module:
    """Token vectors as Σ wₖ·hidden_states[k] / Σ wₖ; ``weights`` [hidden states]."""
    config = {
        "word_embedding_dimension": width,
        "layer_start": 0,
        "num_hidden_layers": len(weights) - 1,
    }
    return Module("WeightedLayerPooling", config, {"layer_weights": weights.astype(np.float32)})


def pooling(width: int, modes: Collection[PoolingMode], *, prompt: bool = True) -> Module:
    """One vector a text from its token vectors, those of a ``prompt`` among them or not."""
    flags = {f"pooling_mode_{mode}": mode in modes for mode in POOLING_MODES}
    return Module("Pooling", {"word_embedding_dimension": width, **flags, "include_prompt": prompt})


def dense(
    weight: Doubles | Floats,
    bias: Doubles | Floats,
    activation: Literal["Tanh", "Identity"] = "Identity",
) -> Module:
    """activation(weight · x + bias); ``weight`` [k, d], ``bias`` [k]."""
    arrays = {"linear.weight": weight, "linear.bias": bias}
    config = {
        "in_features": weight.shape[1],
        "out_features": weight.shape[0],
        "bias": True,
        "activation_function": activation_class(activation),
    }
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    return Module("Dense", config, tensors)


NORMALIZE = Module("Normalize")


def own_layer(layer: DenseStackLayer) -> Module:
    """A layer that the model's folder had after pooling."""
    if isinstance(layer, DenseLayer):
        config = {
            "in_features": layer.in_features,
            "out_features": len(layer.tensors["linear.weight"]),
            "bias": "linear.bias" in layer.tensors,
            "activation_function": activation_class(layer.activation),
        }
        residual = {"use_residual": True} if layer.residual else {}
        return Module("Dense", {**config, **residual}, layer.tensors)
    if isinstance(layer, NormLayer):
        return Module("LayerNorm", {"dimension": layer.in_features}, layer.tensors)
    return NORMALIZE
