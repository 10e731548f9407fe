"""Value Zeroing: how far [CLS] moves when a token has nothing to give."""

from __future__ import annotations

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import BlockWeights
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention.block_forward import (
    brought,
    cosine_distance,
    feed_forward,
    linear,
    normalise,
    of_sum,
    passages,
)


def moved(block: BlockWeights, states: Floats, maps: Floats) -> Floats:
    """Cosine distance of [CLS] behind a block, with and without each token's value, [n, t].

    ``states`` [n, t, d] enter the block, ``maps`` [n, heads, t, t] is the attention, which
    stays as it is; so does the residual (Mohebbi et al. 2023, "Quantifying context mixing in
    Transformers").
    """
    given = brought(linear(states, block.value), maps, block)
    whole = states[:, :1] + given.sum(axis=1, keepdims=True) + block.attention_output[1]
    return cosine_distance(_behind(whole, block), _behind(whole - given, block))


def shares(encoder: Encoder, some: TokenOutputs) -> Floats:
    """Each token's share of how far [CLS] moves in each block, [depth, n, t]; rows sum to 1.

    ``outputs``: all layers and attention maps, of ``model.token_outputs(texts, attentions=True)``.
    Raises EncoderError for encoders whose blocks cannot be taken apart.
    """
    return of_sum(np.stack([moved(*passage) for passage in passages(encoder, some)]))


def _behind(attended: Floats, block: BlockWeights) -> Floats:
    """What follows attention and its residual, [..., d] → [..., d]."""
    middle = normalise(attended, block.attention_norm, block.epsilon)
    added = feed_forward(middle, block)
    return normalise(middle + added, block.output_norm, block.epsilon)
