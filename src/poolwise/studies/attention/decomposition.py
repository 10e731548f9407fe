"""What each token contributes to the new state of [CLS], as vectors that sum to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import BlockWeights
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention.block_forward import (
    brought,
    deviation,
    feed_forward,
    linear_norm,
    of_sum,
    passages,
)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """[CLS] behind one block, as a sum.

    ``tokens`` [n, t, d] is what each token contributes: for [CLS] itself, with the residual.
    ``feed_forward`` [n, d] is the feed-forward network's term, ``biases`` [n, d] what no token
    brings: the biases of values, attention and LayerNorms.
    """

    tokens: Floats
    feed_forward: Floats
    biases: Floats

    @property
    def total(self) -> Floats:
        """The hidden state that the parts sum to, [n, d]."""
        found: Floats = self.tokens.sum(axis=1) + self.feed_forward + self.biases
        return found

    @property
    def shares(self) -> Floats:
        """Norms of what the tokens contribute, divided by their sum, [n, t]."""
        norms: Floats = np.linalg.norm(self.tokens, axis=-1)
        return of_sum(norms)


def decompose(block: BlockWeights, states: Floats, maps: Floats) -> Parts:
    """The state of [CLS] behind a block, split by the tokens in front of it.

    ``states`` [n, t, d] enter the block, ``maps`` [n, heads, t, t] is the attention. Attention and
    residual as Kobayashi et al. 2020 and 2021 ("Attention is not only a weight",
    "Incorporating residual and normalization layers"), the second residual and LayerNorm as
    Modarressi et al. 2022 ("GlobEnc"): a LayerNorm is linear once its input's deviation is known.
    Unlike there, the value's bias, which every token brings alike, is kept among the biases.
    """
    values: Floats = states @ block.value[0].T
    tokens = brought(values, maps, block)
    tokens[:, 0] += states[:, 0]
    biases = block.value[1] @ block.attention_output[0].T + block.attention_output[1]

    gain, bias = block.attention_norm
    by = deviation(tokens.sum(axis=1) + biases, block.epsilon)
    tokens = linear_norm(tokens, gain, by[:, None])
    biases = linear_norm(biases, gain, by) + bias
    added = feed_forward(tokens.sum(axis=1) + biases, block)

    gain, bias = block.output_norm
    by = deviation(tokens.sum(axis=1) + biases + added, block.epsilon)
    return Parts(
        tokens=linear_norm(tokens, gain, by[:, None]),
        feed_forward=linear_norm(added, gain, by),
        biases=linear_norm(biases, gain, by) + bias,
    )


def mixing(block: BlockWeights, states: Floats, maps: Floats) -> Floats:
    """Each token's share (column) of every token (row) behind a block, [n, t, t].

    As ``shares``, for all rows and without their vectors: both LayerNorms are one linear map, up to
    deviations that a row's shares have in common, so the norms are quadratic forms of ``maps``
    [n, heads, t, t].
    """
    n, t, d = states.shape
    values = (states @ block.value[0].T).reshape(n * t, block.heads, -1).transpose(1, 0, 2)
    outputs = _normed(block.attention_output[0].T, block).reshape(block.heads, -1, d)
    given = (values @ outputs).reshape(block.heads, n, t, d).transpose(1, 2, 0, 3)
    looks = maps.transpose(0, 3, 2, 1)
    squares = ((looks @ (given @ given.swapaxes(2, 3))) * looks).sum(axis=-1)
    each = np.arange(t)
    own = (looks[:, each, each, None] @ given)[:, :, 0] + _normed(states, block)
    squares[:, each, each] = (own**2).sum(axis=-1)
    return of_sum(np.sqrt(np.maximum(squares, 0)).swapaxes(1, 2))


def shares(encoder: Encoder, some: TokenOutputs) -> Floats:
    """Each token's share of [CLS] in each block, [depth, n, t]: norms, divided by their sum.

    ``outputs``: all layers and attention maps, of ``model.token_outputs(texts, attentions=True)``.
    Raises EncoderError for encoders whose blocks cannot be taken apart.
    """
    return np.stack([decompose(*passage).shares for passage in passages(encoder, some)])


def _normed(x: Floats, block: BlockWeights) -> Floats:
    """Both LayerNorms as linear maps, undivided."""
    one = np.ones(1, np.float32)
    return linear_norm(linear_norm(x, block.attention_norm[0], one), block.output_norm[0], one)
