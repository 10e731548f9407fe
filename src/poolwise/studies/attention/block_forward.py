"""The forward pass of one block for [CLS], in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy.special import erf, expit

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import Affine, BlockWeights, block_weights
from poolwise.records import Floats, TokenOutputs
from poolwise.statistics.estimate import ROUNDING

HALF, ONE = np.float32(0.5), np.float32(1)


def _gelu(x: Floats) -> Floats:
    """x Φ(x) (Hendrycks & Gimpel 2016)."""
    return np.asarray(x * HALF * (ONE + erf(x * np.float32(np.sqrt(0.5)))), np.float32)


def _gelu_tanh(x: Floats) -> Floats:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(x * HALF * (ONE + np.tanh(inner)), np.float32)


def _silu(x: Floats) -> Floats:
    return np.asarray(x * expit(x), np.float32)


def _quick_gelu(x: Floats) -> Floats:
    return np.asarray(x * expit(np.float32(1.702) * x), np.float32)


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "gelu": _gelu,
    "gelu_python": _gelu,
    "gelu_new": _gelu_tanh,
    "gelu_fast": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "quick_gelu": _quick_gelu,
    "relu": _relu,
    "silu": _silu,
    "swish": _silu,
    "tanh": np.tanh,
}
"""Every ``hidden_act`` that a checked config can name."""


def block_inputs(
    encoder: Encoder, outputs: TokenOutputs
) -> Iterator[tuple[BlockWeights, Floats, Floats]]:
    """Every block's weights, its input states [n, t, d] and its attention maps [n, heads, t, t].

    Raises EncoderError for encoders whose blocks cannot be decomposed, ValueError where ``outputs``
    lacks attention maps or layers.
    """
    if outputs.layers != tuple(range(encoder.depth + 1)):
        raise ValueError(f"layers {outputs.layers} of {encoder.depth + 1}; all of them are needed")
    for number, maps in enumerate(attention_maps(outputs), start=1):
        yield block_weights(encoder, number), outputs.hidden_states[number - 1], maps


def attention_maps(outputs: TokenOutputs) -> Floats:
    """The attention maps, [depth, n, heads, t, t]; ValueError without them."""
    if outputs.attentions is None:
        raise ValueError("no attention maps; ask for model.token_outputs(texts, attentions=True)")
    return outputs.attentions


def fractions(x: Floats) -> Floats:
    """``x`` over its sum along the last axis; NaN where the sum is 0."""
    total = np.broadcast_to(x.sum(axis=-1, keepdims=True), x.shape)
    parts: Floats = np.divide(x, total, out=np.full_like(x, np.nan), where=total > 0)
    return parts


def linear(x: Floats, pair: Affine) -> Floats:
    """x Wᵀ + b, [..., in] → [..., out]."""
    weight, bias = pair
    y: Floats = x @ weight.T + bias
    return y


def contributions(values: Floats, maps: Floats, block: BlockWeights) -> Floats:
    """Each token's term in the attention output of [CLS], of all heads, [n, t, d]; no bias.

    ``values`` [n, t, d] are the tokens' value vectors, ``maps`` [n, heads, t, t] their weights.
    """
    n, t, d = values.shape
    by_head = values.reshape(n, t, block.heads, d // block.heads)
    weighted: Floats = by_head * maps[:, :, 0].transpose(0, 2, 1)[..., None]
    terms: Floats = weighted.reshape(n, t, d) @ block.attention_output[0].T
    return terms


def feed_forward(x: Floats, block: BlockWeights) -> Floats:
    """The feed-forward network of a block without its residual, [..., d] → [..., d]."""
    return linear(ACTIVATIONS[block.activation](linear(x, block.intermediate)), block.output)


def layer_norm(x: Floats, norm: Affine, epsilon: float) -> Floats:
    """LayerNorm over the last axis (Ba et al. 2016)."""
    return linear_norm(x, norm[0], std(x, epsilon)) + norm[1]


def linear_norm(x: Floats, gain: Floats, deviation: Floats) -> Floats:
    """LayerNorm as the linear map that it is for a given standard ``deviation`` [..., 1].

    g ⊙ (x − mean(x)) / deviation: it maps the terms of a sum to the terms of the normalised sum.
    """
    y: Floats = gain * (x - x.mean(axis=-1, keepdims=True)) / deviation
    return y


def std(x: Floats, epsilon: float) -> Floats:
    """The standard deviation by which a LayerNorm divides, [..., 1]."""
    return np.asarray(np.sqrt(x.var(axis=-1, keepdims=True) + np.float32(epsilon)), np.float32)


def cosine_distance(x: Floats, y: Floats) -> Floats:
    """1 − cos of two float32 vectors [..., d] each, [...]; 0 where they differ by rounding alone.

    Half the squared distance of unit vectors, which is exact for vectors close to each other.
    """
    difference = x / np.linalg.norm(x, axis=-1, keepdims=True)
    difference = difference - y / np.linalg.norm(y, axis=-1, keepdims=True)
    distance: Floats = (difference**2).sum(axis=-1) / 2
    return np.where(distance > ROUNDING**2 / 2, distance, np.float32(0))
