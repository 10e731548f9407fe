"""sentence-transformers' stock modules as torch modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from poolwise.encoders.modules.dense_stack import LAYER_NORM_EPSILON
from poolwise.engines.torch_pools import pool_tokens
from poolwise.exports.modules import Module
from poolwise.readouts import POOL_OF_MODE, POOLING_MODES, Pool, join


def torch_module(module: Module) -> nn.Module:
    """A stock module that follows Pooling, for vectors [..., d]."""
    if module.kind == "Normalize":
        return _Normalize()
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in module.tensors.items()}
    if module.kind == "LayerNorm":
        norm = nn.LayerNorm(module.config["dimension"], eps=LAYER_NORM_EPSILON)
        norm.load_state_dict({name.removeprefix("norm."): t for name, t in tensors.items()})
        return norm
    activation = module.config["activation_function"].rpartition(".")[2]
    return _Dense(tensors, activation, residual=module.config.get("use_residual") is True)


class _Dense(nn.Module):
    """activation(weight · x + bias), plus x or what the residual makes of it."""

    linear_weight: Tensor
    linear_bias: Tensor | None
    residual_weight: Tensor | None

    def __init__(self, tensors: Mapping[str, Tensor], activation: str, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        for name in ("linear.weight", "linear.bias", "residual.weight"):
            self.register_buffer(name.replace(".", "_"), tensors.get(name))
        self.activation = getattr(nn, activation)()
        if (slope := tensors.get("activation_function.weight")) is not None:
            self.activation.weight.data = slope

    def forward(self, vectors: Tensor) -> Tensor:
        output: Tensor = self.activation(
            functional.linear(vectors, self.linear_weight, self.linear_bias)
        )
        if not self.residual:
            return output
        if self.residual_weight is None:
            return output + vectors
        return output + functional.linear(vectors, self.residual_weight)


class _Normalize(nn.Module):
    """Vectors [..., d] divided by their norms; a vector of zeros stays as it is."""

    def forward(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors, dim=-1)


def apply_modules(modules: Sequence[Module], tokens: Tensor, mask: Tensor) -> Tensor:
    """What ``modules``, first Pooling, make of token vectors [n, t, d], ``mask`` 0 in padding."""
    pooling, *steps = modules
    modes = [mode for mode in POOLING_MODES if pooling.config[f"pooling_mode_{mode}"]]
    pool = join([Pool(POOL_OF_MODE[mode]) for mode in modes])
    vectors = pool_tokens(pool, tokens, mask.bool(), mask.bool())
    for step in steps:
        vectors = torch_module(step)(vectors)
    return vectors
