"""[CLS] after a block, decomposed into vectors that sum to it, one for each token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import BlockWeights
from poolwise.records import Floats, TokenOutputs
from poolwise.studies.attention.block_forward import (
    block_inputs,
    contributions,
    feed_forward,
    fractions,
    linear_norm,
    std,
)


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """[CLS] after one block, as a sum of terms.

    ``tokens`` [n, t, d]: each token's term, that of [CLS] itself with the residual.
    ``feed_forward`` [n, d]: the feed-forward network's term. ``biases`` [n, d]: the term of the
    biases of values, attention and LayerNorms, which belongs to no token.
    """

    tokens: Floats
    feed_forward: Floats
    biases: Floats

    @property
    def total(self) -> Floats:
        """The sum of all terms, which is the hidden state, [n, d]."""
        state: Floats = self.tokens.sum(axis=1) + self.feed_forward + self.biases
        return state

    @property
    def shares(self) -> Floats:
        """Norms of the tokens' terms, divided by their sum, [n, t]."""
        norms: Floats = np.linalg.norm(self.tokens, axis=-1)
        return fractions(norms)


def decompose(block: BlockWeights, states: Floats, maps: Floats) -> Decomposition:
    """The state of [CLS] after a block, decomposed by the block's input tokens.

    ``states`` [n, t, d] are the block's input, ``maps`` [n, heads, t, t] its attention weights.
    Attention and residual as Kobayashi et al. 2020 and 2021 ("Attention is not only a weight",
    "Incorporating residual and normalization layers"), the second residual and LayerNorm as
    Modarressi et al. 2022 ("GlobEnc"): a LayerNorm is linear for a given standard deviation of its
    input. Unlike there, the value's bias, which is the same for every token, is among the biases.
    """
    values: Floats = states @ block.value[0].T
    tokens = contributions(values, maps, block)
    tokens[:, 0] += states[:, 0]
    biases = block.value[1] @ block.attention_output[0].T + block.attention_output[1]

    gain, bias = block.attention_norm
    deviation = std(tokens.sum(axis=1) + biases, block.epsilon)
    tokens = linear_norm(tokens, gain, deviation[:, None])
    biases = linear_norm(biases, gain, deviation) + bias
    network = feed_forward(tokens.sum(axis=1) + biases, block)

    gain, bias = block.output_norm
    deviation = std(tokens.sum(axis=1) + biases + network, block.epsilon)
    return Decomposition(
        tokens=linear_norm(tokens, gain, deviation[:, None]),
        feed_forward=linear_norm(network, gain, deviation),
        biases=linear_norm(biases, gain, deviation) + bias,
    )


def shares_of_all_rows(block: BlockWeights, states: Floats, maps: Floats) -> Floats:
    """Each token's share (column) in every token (row) after a block, [n, t, t].

    As ``shares``, for all rows and without their vectors: both LayerNorms are one linear map, up to
    deviations that a row's shares have in common, so squared norms are quadratic forms of ``maps``
    [n, heads, t, t].
    """
    n, t, d = states.shape
    values = (states @ block.value[0].T).reshape(n * t, block.heads, -1).transpose(1, 0, 2)
    output = _normed(block.attention_output[0].T, block).reshape(block.heads, -1, d)
    terms = (values @ output).reshape(block.heads, n, t, d).transpose(1, 2, 0, 3)
    weights = maps.transpose(0, 3, 2, 1)
    squares = ((weights @ (terms @ terms.swapaxes(2, 3))) * weights).sum(axis=-1)
    i = np.arange(t)
    with_residual = (weights[:, i, i, None] @ terms)[:, :, 0] + _normed(states, block)
    squares[:, i, i] = (with_residual**2).sum(axis=-1)
    return fractions(np.sqrt(np.maximum(squares, 0)).swapaxes(1, 2))


def shares(encoder: Encoder, outputs: TokenOutputs) -> Floats:
    """Each token's share in [CLS] after each block, [depth, n, t]: norms, divided by their sum.

    ``outputs``: all layers and attention maps, of ``model.token_outputs(texts, attentions=True)``.
    Raises EncoderError for encoders whose blocks cannot be decomposed.
    """
    return np.stack([decompose(*inputs).shares for inputs in block_inputs(encoder, outputs)])


def _normed(x: Floats, block: BlockWeights) -> Floats:
    """Both LayerNorms as linear maps, without their deviations."""
    unit = np.ones(1, np.float32)
    return linear_norm(linear_norm(x, block.attention_norm[0], unit), block.output_norm[0], unit)
