"""Pools as training has them: every text has a vector, and some learn how they read.

Where a text lacks what a pool reads, the pool takes what comes nearest: a text without a word is
pooled over all its tokens, and ``token[9]`` of five tokens is the last one, [SEP].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from poolwise.engines.torch_pools import combine, mix_of, pool_tokens, read_row, weighed
from poolwise.readouts import Pool
from poolwise.tuning.trainable_readout import Tunable


class Pooling(nn.Module):
    """Layers combined, then their tokens; ``asked`` reads layers, so it is not the pooler.

    ``mix`` [layers], the factor of each layer in their sum, is a parameter where it is learned.
    ``query`` [width] is one with learned attention, 0 at first, which weighs all tokens alike.
    """

    mix: Tensor | None

    def __init__(self, asked: Tunable, width: int, depth: int) -> None:
        super().__init__()
        self.readout = asked.readout
        factors = mix_of(asked.readout, depth)
        if asked.learns == "mix":
            assert factors is not None
            self.mix = nn.Parameter(factors)
        else:
            self.register_buffer("mix", factors, persistent=False)
        self.query = nn.Parameter(torch.zeros(width)) if asked.learns == "attention" else None

    def forward(
        self,
        states: Sequence[Tensor],
        real: Tensor,
        words: Tensor | None,
        read: Tensor | None = None,
    ) -> Tensor:
        """Hidden states [n, t, d] of each layer, in the order read → [n, width].

        ``real`` bool [n, t]: a token, not padding. ``words`` bool [n, t]: a token that the
        tokenizer did not add; only the pools of words need it. ``read`` bool [n, t]: a token that
        pools read, not of a prompt that is left out.
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
        parts = [_part(part, hidden, real, words, read) for part in self.readout.pool.parts]
        return torch.cat(parts, dim=-1)


def _part(pool: Pool, hidden: Tensor, real: Tensor, words: Tensor, read: Tensor) -> Tensor:
    if pool.row is not None:
        return read_row(pool, hidden, real, read)[0]
    return pool_tokens(pool, hidden, real, words, read)


def _attention(hidden: Tensor, query: Tensor, real: Tensor) -> Tensor:
    """softmax(h · q) over the tokens of each text, [n, t]."""
    return (hidden @ query).masked_fill(~real, -torch.inf).softmax(1)


def _words_or_all(words: Tensor, real: Tensor) -> Tensor:
    return torch.where(words.any(1, keepdim=True), words, real)
