"""The protocol that every engine keeps, and how one is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from poolwise.encoders import Encoder
from poolwise.engines.plan import Plan, Source
from poolwise.records import Floats, TokenBatch


@dataclass(frozen=True, slots=True)
class Pooled:
    """What one batch of n sequences leaves behind.

    ``vectors``: each source of the plan, float32 [n, hidden size]; row i belongs to sequence i. A
    source that does not exist for a sequence (``token[9]`` of five tokens, a mean over no words) is
    a row of NaN. ``attentions``: for each block the plan names, one map [heads, t, t] a sequence.
    """

    vectors: Mapping[Source, Floats]
    attentions: Mapping[int, Sequence[Floats]] = field(default_factory=dict)


class Engine(Protocol):
    """Runs a batch of sequences through an encoder and pools each hidden state as it passes.

    ``name`` and ``precision`` are written into every output; ``token_budget`` is the size of batch,
    in tokens with padding, at which this engine is at its best.
    """

    name: str
    precision: str
    token_budget: int

    def run(self, batch: TokenBatch, plan: Plan) -> Pooled: ...


def open_engine(encoder: Encoder) -> Engine:
    """The engine for this encoder on this machine."""
    from poolwise.engines.transformers_engine import TransformersEngine  # noqa: PLC0415 - torch

    return TransformersEngine(encoder)
