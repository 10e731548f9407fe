"""The ``Engine`` protocol, and what an engine returns of one batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from poolwise.engines.plan import Plan, PooledState
from poolwise.records import Floats, Precision, TokenBatch


@dataclass(frozen=True, slots=True)
class BatchOutputs:
    """What the plan asks for of one batch of n sequences, with t tokens each.

    ``vectors``: float32 [n, hidden size] for each of the plan's ``pooled_states``; row i belongs to
    sequence i. Where a sequence lacks what is pooled (``token[9]`` of five tokens, a mean over no
    words), the row is NaN. ``hidden_states``: for each layer that the plan names, one array [t,
    hidden size] a sequence. ``attentions``: for each block, one map [heads, t, t] a sequence.
    """

    vectors: Mapping[PooledState, Floats]
    hidden_states: Mapping[int, Sequence[Floats]] = field(default_factory=dict)
    attentions: Mapping[int, Sequence[Floats]] = field(default_factory=dict)


class Engine(Protocol):
    """Runs batches of sequences through an encoder and pools each hidden state as it is computed.

    ``name`` and ``precision`` are written into every output. ``token_budget`` is the size of batch,
    in tokens with padding, at which the engine is fastest; ``mixed_lengths`` whether a batch may
    hold sequences of different lengths; ``returns_attentions`` whether attention maps can be had.
    """

    name: str
    precision: Precision
    token_budget: int
    mixed_lengths: bool
    returns_attentions: bool

    def run(self, batches: Sequence[TokenBatch], plan: Plan) -> Iterator[tuple[int, BatchOutputs]]:
        """Each batch's index with its outputs, in the order in which the batches finish."""
        ...
