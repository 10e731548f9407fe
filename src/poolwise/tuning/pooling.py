"""Pools that gradients pass through: hidden states of a padded batch in, one vector a text out.

The formulas are those of ``engines.token_weights``. In training every text needs a vector, so where
a text lacks what a pool reads, the pool takes what comes nearest: a text without a word is pooled
over all its tokens, and ``token[9]`` of five tokens is the last one, [SEP].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from poolwise.engines.plan import ROW_POOLS, row_of
from poolwise.readouts import Pool
from poolwise.tuning.tunable import Tunable

_WORDS = "[words]"


class Pooling(nn.Module):
    """Layers combined, then their tokens; ``asked`` reads layers, so it is not the pooler.

    ``mix`` [layers], the factor of each layer in their sum, is a parameter where it is learned.
    ``query`` [width] is one with learned attention, 0 at first, which weighs all tokens alike.
    """

    def __init__(self, asked: Tunable, width: int, depth: int) -> None:
        super().__init__()
        layers = asked.readout.layers
        assert layers is not None
        self.pool = asked.readout.pool
        self.combine = layers.combine
        if asked.learns == "mix":
            self.mix = nn.Parameter(torch.tensor(layers.coefficients(depth)))
        elif self.combine not in ("one", "concat"):
            fixed = torch.tensor(layers.coefficients(depth))
            self.register_buffer("mix", fixed, persistent=False)
        self.query = nn.Parameter(torch.zeros(width)) if asked.learns == "attention" else None

    def forward(self, states: Sequence[Tensor], real: Tensor, words: Tensor | None) -> Tensor:
        """Hidden states [n, t, d] of each layer, in the order read → [n, width].

        ``real`` bool [n, t]: a token, not padding. ``words`` bool [n, t]: a token that the
        tokenizer did not add; only the pools of words need it.
        """
        hidden = self._combined(states)
        if self.query is not None:
            return _weighed(_attention(hidden, self.query, real), hidden)
        return pool_tokens(self.pool, hidden, real, words)

    def _combined(self, states: Sequence[Tensor]) -> Tensor:
        if self.combine == "one":
            return states[0]
        if self.combine == "concat":
            return torch.cat(list(states), dim=-1)
        return torch.einsum("k,kntd->ntd", self.mix, torch.stack(list(states)))


def pool_tokens(pool: Pool, hidden: Tensor, real: Tensor, words: Tensor | None) -> Tensor:
    """One vector a text, [n, d], of its tokens' [n, t, d]; masks as in ``Pooling.forward``."""
    kind = pool.kind.removesuffix(_WORDS)
    mask = real if kind == pool.kind else _words_or_all(words, real)
    if kind in ROW_POOLS:
        return hidden[torch.arange(len(hidden), device=hidden.device), _row(pool, real)]
    if kind == "max":
        return _max(hidden, mask)
    if kind == "meanmax":
        return torch.cat([_weighed(_mean(mask), hidden), _max(hidden, mask)], dim=-1)
    return _weighed(_WEIGHTS[kind](mask), hidden)


def _mean(mask: Tensor) -> Tensor:
    return mask / mask.sum(1, keepdim=True)


def _sqrt_mean(mask: Tensor) -> Tensor:
    return mask / mask.sum(1, keepdim=True).sqrt()


def _position_weighted(mask: Tensor) -> Tensor:
    rising = mask * mask.cumsum(1)
    return rising / rising.sum(1, keepdim=True)


_WEIGHTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mean": _mean,
    "sqrtmean": _sqrt_mean,
    "wmean": _position_weighted,
}


def _attention(hidden: Tensor, query: Tensor, real: Tensor) -> Tensor:
    """softmax(h · q) over the tokens of each text, [n, t]."""
    return (hidden @ query).masked_fill(~real, -torch.inf).softmax(1)


def _weighed(weights: Tensor, hidden: Tensor) -> Tensor:
    return torch.einsum("nt,ntd->nd", weights.to(hidden.dtype), hidden)


def _max(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(~mask[..., None], -torch.inf).amax(1)


def _words_or_all(words: Tensor | None, real: Tensor) -> Tensor:
    if words is None:
        raise ValueError("this readout reads words: give the batch's words, bool [n, t]")
    return torch.where(words.any(1, keepdim=True), words, real)


def _row(pool: Pool, real: Tensor) -> Tensor:
    """The position that is read in each text, [n]."""
    lengths = real.sum(1)
    position = row_of(pool)
    index = lengths + position if position < 0 else torch.full_like(lengths, position)
    return torch.where((index >= 0) & (index < lengths), index, lengths - 1)
