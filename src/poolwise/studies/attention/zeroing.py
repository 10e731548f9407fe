"""Value Zeroing: the change of [CLS] when the value vector of one token is set to zero."""

from __future__ import annotations

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import BlockWeights
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention.block_forward import (
    block_inputs,
    contributions,
    cosine_distance,
    feed_forward,
    fractions,
    layer_norm,
    linear,
)


def distances(block: BlockWeights, states: Floats, maps: Floats) -> Floats:
    """Cosine distance of [CLS] after a block, with and without each token's value, [n, t].

    ``states`` [n, t, d] are the block's input, ``maps`` [n, heads, t, t] its attention weights,
    which stay the same, as the residual does (Mohebbi et al. 2023, "Quantifying context mixing in
    Transformers").
    """
    terms = contributions(linear(states, block.value), maps, block)
    attended = states[:, :1] + terms.sum(axis=1, keepdims=True) + block.attention_output[1]
    return cosine_distance(_after(attended, block), _after(attended - terms, block))


def shares(encoder: Encoder, outputs: TokenOutputs) -> Floats:
    """The distances of each block over their sum, [depth, n, t]; rows sum to 1.

    ``outputs``: all layers and attention maps, of ``model.token_outputs(texts, attentions=True)``.
    Raises EncoderError for encoders whose blocks cannot be decomposed.
    """
    return fractions(np.stack([distances(*inputs) for inputs in block_inputs(encoder, outputs)]))


def _after(attended: Floats, block: BlockWeights) -> Floats:
    """The block after attention and its residual, [..., d] → [..., d]."""
    normed = layer_norm(attended, block.attention_norm, block.epsilon)
    return layer_norm(normed + feed_forward(normed, block), block.output_norm, block.epsilon)
