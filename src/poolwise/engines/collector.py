"""Collects the outputs of one batch from its hidden states, one after another, with torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from poolwise.engines.engine import BatchOutputs
from poolwise.engines.plan import Plan, PooledState
from poolwise.engines.token_weights import Padded, weights
from poolwise.readouts import Pool
from poolwise.records import Floats

FEW_ROWS = 4
"""A matrix product of fewer rows than this takes another path on CPUs, which rounds otherwise:
a text of three tokens alone would differ, in the last bits, from the same text among others."""


class Collector:
    """Pools each hidden state as it is computed and keeps those that the plan returns.

    A linear pool is a row of token weights, so all linear pools of a layer are one product
    [n, pools, t] x [n, t, d]. Only a max over a sum of layers needs a running sum of hidden states;
    it is dropped as soon as its last layer has been added.
    """

    def __init__(self, plan: Plan, padded: Padded, device: torch.device) -> None:
        self.plan, self.padded, self.device = plan, padded, device
        self.pooler = next((s for s in plan.pooled_states if s.pool.facts.form == "pooler"), None)
        self._vectors: dict[PooledState, Tensor] = {}
        self._hidden_states: dict[int, Sequence[Floats]] = {}
        self._attentions: dict[int, Sequence[Floats]] = {}
        self._sums: dict[PooledState, Tensor] = {}
        self._full = bool(padded.read.all())
        pooled = [s for s in plan.pooled_states if s is not self.pooler]
        self._maxima = [s for s in pooled if s.pool.facts.form == "max"]
        self._linear = [s for s in pooled if s.pool.facts.form != "max"]

    @property
    def outputs(self) -> BatchOutputs:
        """Everything collected, as arrays."""
        vectors = {state: vector.cpu().numpy() for state, vector in self._vectors.items()}
        return BatchOutputs(vectors, self._hidden_states, self._attentions)

    def add(self, layer: int, hidden: Tensor) -> None:
        """Take what the plan needs of ``hidden_states[layer]``, [n, t, d].

        Rows beyond n, copies that only fill up a batch, are ignored.
        """
        lengths = self.padded.lengths.tolist()
        hidden = hidden[: len(lengths)]
        if layer in self.plan.hidden_states:
            array = hidden.cpu().numpy()
            self._hidden_states[layer] = [h[:t] for h, t in zip(array, lengths, strict=True)]
        self._add_linear([s for s in self._linear if s.deepest == layer], hidden)
        for state in self._maxima:
            coefficient = dict(state.terms).get(layer)
            if coefficient is not None:
                self._add_max(state, layer, coefficient, hidden)

    def add_pooler(self, last: Tensor, pooler: tuple[Tensor, ...] | None) -> None:
        """tanh(W · [CLS] + b) of the last hidden state [n, t, d], if the plan needs it."""
        if self.pooler is None or pooler is None:
            return
        n = len(self.padded.lengths)
        cls = last[:n, 0]
        filled = torch.cat([cls, cls.new_zeros(max(FEW_ROWS - n, 0), cls.shape[1])])
        self._vectors[self.pooler] = torch.tanh(nn.functional.linear(filled, *pooler))[:n]

    def add_attentions(self, maps: Sequence[Tensor]) -> None:
        """The maps [n or more, heads, longest, longest] of every block, without padding."""
        lengths = self.padded.lengths.tolist()
        for block in self.plan.attentions:
            by_sequence = zip(maps[block - 1][: len(lengths)], lengths, strict=True)
            self._attentions[block] = [m[:, :t, :t].cpu().numpy() for m, t in by_sequence]

    def _add_linear(self, states: Sequence[PooledState], hidden: Tensor) -> None:
        if not states:
            return
        rows = torch.from_numpy(weights([s.pool for s in states], self.padded)).to(self.device)
        for state, vector in zip(states, torch.bmm(rows, hidden).unbind(1), strict=True):
            self._vectors[state] = vector

    def _add_max(self, state: PooledState, layer: int, coefficient: float, hidden: Tensor) -> None:
        if len(state.terms) > 1 or coefficient != 1:
            total = self._sums.pop(state, None)
            hidden = coefficient * hidden if total is None else total + coefficient * hidden
            if layer < state.deepest:
                self._sums[state] = hidden
                return
        self._vectors[state] = self._max(state.pool, hidden)

    def _max(self, pool: Pool, hidden: Tensor) -> Tensor:
        if self._full and not pool.words_only:
            return hidden.amax(1)
        mask = torch.from_numpy(self.padded.mask(pool)).to(self.device)
        top = hidden.masked_fill(~mask[..., None], -torch.inf).amax(1)
        return torch.where(mask.any(1, keepdim=True), top, torch.nan)
