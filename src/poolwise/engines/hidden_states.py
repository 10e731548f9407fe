"""Pools hidden states as they pass, and keeps none of them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from poolwise.engines.plan import Plan, Source
from poolwise.engines.token_weights import MASKS, Padded, weights

FEW_ROWS = 4
"""A matrix product of fewer rows than this takes another path on CPUs, which rounds otherwise:
a text of three tokens alone would differ, in the last bits, from the same text among others."""


class HiddenStates:
    """Takes the hidden states of one batch, one after another; ``made`` fills with vectors.

    A linear pool is a row of token weights, so all linear pools of a layer are one product
    [n, pools, t] x [n, t, d]. Only a max over a mix of layers needs a running sum of hidden states;
    it is dropped as soon as its last layer has passed.
    """

    def __init__(self, plan: Plan, padded: Padded, device: torch.device) -> None:
        self.plan, self.padded, self.device = plan, padded, device
        self.made: dict[Source, Tensor] = {}
        self.pooler = next((s for s in plan.sources if s.pool.kind == "pooler"), None)
        self._sums: dict[Source, Tensor] = {}
        self._full = bool(padded.read.all())
        plain = [s for s in plan.sources if s is not self.pooler]
        self._maxima = [s for s in plain if s.pool.kind in MASKS]
        self._linear = [s for s in plain if s.pool.kind not in MASKS]

    def take(self, layer: int, hidden: Tensor) -> None:
        """Pool ``hidden_states[layer]``, [n, t, d], for every source that reads it.

        Rows beyond n, copies that only fill up a batch, are left aside.
        """
        hidden = hidden[: len(self.padded.lengths)]
        self._take_linear([s for s in self._linear if s.deepest == layer], hidden)
        for source in self._maxima:
            coefficient = dict(source.terms).get(layer)
            if coefficient is not None:
                self._take_max(source, layer, coefficient, hidden)

    def take_pooler(self, last: Tensor, pooler: tuple[Tensor, ...] | None) -> None:
        """tanh(W · [CLS] + b) of the last hidden state [n, t, d], if asked for."""
        if self.pooler is None or pooler is None:
            return
        n = len(self.padded.lengths)
        first = last[:n, 0]
        filled = torch.cat([first, first.new_zeros(max(FEW_ROWS - n, 0), first.shape[1])])
        self.made[self.pooler] = torch.tanh(nn.functional.linear(filled, *pooler))[:n]

    def _take_linear(self, sources: Iterable[Source], hidden: Tensor) -> None:
        wanted = list(sources)
        if not wanted:
            return
        rows = torch.from_numpy(weights([s.pool for s in wanted], self.padded)).to(self.device)
        for source, vector in zip(wanted, torch.bmm(rows, hidden).unbind(1), strict=True):
            self.made[source] = vector

    def _take_max(self, source: Source, layer: int, coefficient: float, hidden: Tensor) -> None:
        if len(source.terms) > 1 or coefficient != 1:
            so_far = self._sums.pop(source, None)
            hidden = coefficient * hidden if so_far is None else so_far + coefficient * hidden
            if layer < source.deepest:
                self._sums[source] = hidden
                return
        self.made[source] = self._max(source.pool.kind, hidden)

    def _max(self, kind: str, hidden: Tensor) -> Tensor:
        if kind == "max" and self._full:
            return hidden.amax(1)
        mask = torch.from_numpy(MASKS[kind](self.padded)).to(self.device)
        top = hidden.masked_fill(~mask[..., None], -torch.inf).amax(1)
        return torch.where(mask.any(1, keepdim=True), top, torch.nan)
