"""sentence-transformers' stock modules, in the dialect that every version of it loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from poolwise.readouts import PoolKind
from poolwise.records import Floats
from poolwise.transforms.linear import Doubles

MODES = (
    "cls_token",
    "mean_tokens",
    "max_tokens",
    "mean_sqrt_len_tokens",
    "weightedmean_tokens",
    "lasttoken",
)

POOLING: Mapping[PoolKind, tuple[str, ...]] = {
    "cls": ("cls_token",),
    "sep": ("lasttoken",),
    "mean": ("mean_tokens",),
    "max": ("max_tokens",),
    "meanmax": ("max_tokens", "mean_tokens"),
    "sqrtmean": ("mean_sqrt_len_tokens",),
    "wmean": ("weightedmean_tokens",),
    "pooler": ("cls_token",),
}
"""The modes that make a pool. Of several, Pooling puts max first and mean second."""

ACTIVATIONS = {
    "Tanh": "torch.nn.modules.activation.Tanh",
    "Identity": "torch.nn.modules.linear.Identity",
}


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


def pooling(width: int, modes: Sequence[str]) -> Module:
    """One vector a text from its token vectors."""
    flags = {f"pooling_mode_{mode}": mode in modes for mode in MODES}
    return Module("Pooling", {"word_embedding_dimension": width, **flags, "include_prompt": True})


def dense(
    weight: Doubles | Floats,
    bias: Doubles | Floats,
    activation: Literal["Tanh", "Identity"] = "Identity",
) -> Module:
    """activation(weight · x + bias); ``weight`` [k, d], ``bias`` [k]."""
    made = {"linear.weight": weight, "linear.bias": bias}
    config = {
        "in_features": weight.shape[1],
        "out_features": weight.shape[0],
        "bias": True,
        "activation_function": ACTIVATIONS[activation],
    }
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in made.items()}
    return Module("Dense", config, tensors)


NORMALIZE = Module("Normalize")
