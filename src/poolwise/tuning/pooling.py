"""Pooling in training: differentiable, with learned layer weights or attention.

Every text gets a vector: where it lacks the tokens that a pool reads, its fallback stands in (see
``PoolFacts``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from poolwise.engines.torch_pools import combine, mix_of, pool_tokens, read_row, weighed
from poolwise.readouts import Pool
from poolwise.tuning.trainable_readout import TrainableReadout


class Pooling(nn.Module):
    """Combines the layers, then pools the tokens, as ``trainable`` says; never ``pooler``.

    ``mix`` [layers] holds the factor of each layer in their sum, a parameter where it is learned.
    ``query`` [width] is the parameter of learned attention, 0 at first: all tokens weigh the same.
    """

    mix: Tensor | None

    def __init__(self, trainable: TrainableReadout, width: int, depth: int) -> None:
        super().__init__()
        self.readout = trainable.initial
        factors = mix_of(trainable.initial, depth)
        if trainable.learns == "mix":
            assert factors is not None
            self.mix = nn.Parameter(factors)
        else:
            self.register_buffer("mix", factors, persistent=False)
        self.query = nn.Parameter(torch.zeros(width)) if trainable.learns == "attention" else None

    def forward(
        self,
        states: Sequence[Tensor],
        real: Tensor,
        words: Tensor | None,
        read: Tensor | None = None,
    ) -> Tensor:
        """Hidden states [n, t, d] of each layer that is read → [n, width].

        ``real`` bool [n, t]: not padding. ``words`` bool [n, t]: not a special token; only word
        pools need it. ``read`` bool [n, t]: not a token of a prompt that pooling leaves out.
        """
        hidden = combine(self.readout, states, self.mix)
        read = real if read is None else read
        if self.query is not None:
            return weighed(_attention(hidden, self.query, read), hidden)
        if words is None:
            if self.readout.pool.words_only:
                raise ValueError("this readout reads words: give the batch's words, bool [n, t]")
            words = real
        words = _words_or_all(words & read, read)
        vectors = [_pool(pool, hidden, real, words, read) for pool in self.readout.pool.parts]
        return torch.cat(vectors, dim=-1)


def _pool(pool: Pool, hidden: Tensor, real: Tensor, words: Tensor, read: Tensor) -> Tensor:
    if pool.row is not None:
        return read_row(pool, hidden, real, read)[0]
    return pool_tokens(pool, hidden, real, words, read)


def _attention(hidden: Tensor, query: Tensor, real: Tensor) -> Tensor:
    """Attention weights softmax(h · q) over the tokens of each text, [n, t]."""
    return (hidden @ query).masked_fill(~real, -torch.inf).softmax(1)


def _words_or_all(words: Tensor, real: Tensor) -> Tensor:
    return torch.where(words.any(1, keepdim=True), words, real)
