"""Pools as torch graphs: hidden states of a padded batch in, one vector a text out.

For graphs that are trained or exported: differentiable operations, for any number of texts and
tokens. The formulas are those of ``token_weights``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from poolwise.readouts import Pool, Readout, Weighting


def mix_of(readout: Readout, depth: int) -> Tensor | None:
    """The factor of each layer in their sum, float32 [layers]; None where nothing is summed."""
    layers = readout.layers
    if layers is None or layers.combine in ("single", "concat"):
        return None
    return torch.tensor(layers.coefficients(depth))


def combine(readout: Readout, states: Sequence[Tensor], mix: Tensor | None) -> Tensor:
    """The layers of ``readout``, [n, t, d] each, summed with weights or concatenated.

    ``mix`` are the weights: those of ``mix_of``, or what training has made of them.
    """
    assert readout.layers is not None  # the pooler reads none
    if readout.layers.combine == "single":
        return states[0]
    if readout.layers.combine == "concat":
        return torch.cat(list(states), dim=-1)
    assert mix is not None
    return torch.einsum("k,kntd->ntd", mix, torch.stack(list(states)))


def pool_tokens(
    pool: Pool, hidden: Tensor, real: Tensor, words: Tensor, read: Tensor | None = None
) -> Tensor:
    """One vector a text, [n, width], of its tokens' [n, t, d]; padding stands at the end.

    ``real`` bool [n, t]: a token, not padding. ``words`` bool [n, t]: a token that the tokenizer
    did not add. ``read`` bool [n, t]: a token that pools read, not of a prompt that is left out;
    all real ones without it. NaN where a text lacks what the pool reads.
    """
    read = real if read is None else read
    parts = [_pool(part, hidden, real, words & read, read) for part in pool.parts]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _pool(pool: Pool, hidden: Tensor, real: Tensor, words: Tensor, read: Tensor) -> Tensor:
    if pool.row is not None:
        vectors, exists = read_row(pool, hidden, real, read)
        return torch.where(exists[:, None], vectors, torch.nan)
    mask = words if pool.facts.words_only else read
    if pool.facts.weighting is None:
        return _max(hidden, mask)
    return weighed(_WEIGHTINGS[pool.facts.weighting](mask, real), hidden)


def read_row(
    pool: Pool, hidden: Tensor, real: Tensor, read: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The token that ``pool`` reads in each text, [n, d], and whether it exists, bool [n].

    Where it does not, the vector is that of the last token.
    """
    assert pool.row is not None
    lengths = real.sum(1)
    index = lengths + pool.row if pool.row < 0 else torch.full_like(lengths, pool.row)
    if pool.kind == "cls" and read is not None:
        index = (real & ~read).sum(1)
    exists = (index >= 0) & (index < lengths)
    index = torch.where(exists, index, lengths - 1)
    # The shape, not len(): that is a plain number, and the exporter then traces all a second time.
    return hidden[torch.arange(hidden.shape[0], device=hidden.device), index], exists


def weighed(weights: Tensor, hidden: Tensor) -> Tensor:
    """Σ weight · token, [n, d], for weights [n, t] and tokens [n, t, d]."""
    return torch.einsum("nt,ntd->nd", weights.to(hidden.dtype), hidden)


def _uniform(mask: Tensor, real: Tensor) -> Tensor:
    return mask / mask.sum(1, keepdim=True)


def _sqrt(mask: Tensor, real: Tensor) -> Tensor:
    return mask / mask.sum(1, keepdim=True).sqrt()


def _position(mask: Tensor, real: Tensor) -> Tensor:
    rising = mask * real.cumsum(1)
    return rising / rising.sum(1, keepdim=True)


_WEIGHTINGS: Mapping[Weighting, Callable[[Tensor, Tensor], Tensor]] = {
    "uniform": _uniform,
    "sqrt": _sqrt,
    "position": _position,
}


def _max(hidden: Tensor, mask: Tensor) -> Tensor:
    top = hidden.masked_fill(~mask[..., None], -torch.inf).amax(1)
    return torch.where(mask.any(1, keepdim=True), top, torch.nan)
