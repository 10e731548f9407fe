"""The arithmetic of one block on its way to [CLS], in float32."""

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


def passages(encoder: Encoder, some: TokenOutputs) -> Iterator[tuple[BlockWeights, Floats, Floats]]:
    """Every block, the states [n, t, d] that enter it, and its maps [n, heads, t, t].

    Raises EncoderError for encoders whose blocks cannot be taken apart, ValueError where ``some``
    lacks attention maps or layers.
    """
    if some.layers != tuple(range(encoder.depth + 1)):
        raise ValueError(f"layers {some.layers} of {encoder.depth + 1}; all of them are needed")
    for number, maps in enumerate(maps_of(some), start=1):
        yield block_weights(encoder, number), some.hidden_states[number - 1], maps


def maps_of(some: TokenOutputs) -> Floats:
    """The attention maps, [depth, n, heads, t, t]; ValueError where nobody asked for them."""
    if some.attentions is None:
        raise ValueError("no attention maps; ask for model.token_outputs(texts, attentions=True)")
    return some.attentions


def of_sum(x: Floats) -> Floats:
    """Each by their sum over the last axis; NaN where all are 0, and nothing can be shared."""
    total = np.broadcast_to(x.sum(axis=-1, keepdims=True), x.shape)
    found: Floats = np.divide(x, total, out=np.full_like(x, np.nan), where=total > 0)
    return found


def linear(x: Floats, pair: Affine) -> Floats:
    """x Wᵀ + b, [..., in] → [..., out]."""
    weight, bias = pair
    found: Floats = x @ weight.T + bias
    return found


def brought(values: Floats, maps: Floats, block: BlockWeights) -> Floats:
    """What [CLS] gets of each token through all heads, [n, t, d]; the output's bias not added.

    ``values`` [n, t, d] are the tokens' value vectors, ``maps`` [n, heads, t, t] the attention.
    """
    n, t, d = values.shape
    by_head = values.reshape(n, t, block.heads, d // block.heads)
    weighted: Floats = by_head * maps[:, :, 0].transpose(0, 2, 1)[..., None]
    found: Floats = weighted.reshape(n, t, d) @ block.attention_output[0].T
    return found


def feed_forward(x: Floats, block: BlockWeights) -> Floats:
    """The second half of a block without its residual, [..., d] → [..., d]."""
    return linear(ACTIVATIONS[block.activation](linear(x, block.intermediate)), block.output)


def normalise(x: Floats, norm: Affine, epsilon: float) -> Floats:
    """LayerNorm over the last axis (Ba et al. 2016)."""
    return linear_norm(x, norm[0], deviation(x, epsilon)) + norm[1]


def linear_norm(x: Floats, gain: Floats, by: Floats) -> Floats:
    """LayerNorm as the linear map that it is once the deviation ``by`` [..., 1] is known.

    g ⊙ (x − mean(x)) / by: of several terms of a vector, it gives the terms of the result.
    """
    found: Floats = gain * (x - x.mean(axis=-1, keepdims=True)) / by
    return found


def deviation(x: Floats, epsilon: float) -> Floats:
    """The deviation by which a LayerNorm divides, [..., 1]."""
    return np.asarray(np.sqrt(x.var(axis=-1, keepdims=True) + np.float32(epsilon)), np.float32)


def cosine_distance(x: Floats, y: Floats) -> Floats:
    """1 − cos of two float32 vectors [..., d] each, [...]; 0 where rounding alone tells them apart.

    As half the squared distance of unit vectors, which does not cancel for vectors close by.
    """
    step = x / np.linalg.norm(x, axis=-1, keepdims=True)
    step = step - y / np.linalg.norm(y, axis=-1, keepdims=True)
    found: Floats = (step**2).sum(axis=-1) / 2
    return np.where(found > ROUNDING**2 / 2, found, np.float32(0))
