"""The protocol that every engine keeps, and how one is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    """Runs batches of sequences through an encoder and pools each hidden state as it passes.

    ``name`` and ``precision`` are written into every output. ``token_budget`` is the size of batch,
    in tokens with padding, at which this engine is at its best; ``pads`` says whether it wants
    sequences of different lengths in one.
    """

    name: str
    precision: str
    token_budget: int
    pads: bool

    def run(self, batches: Sequence[TokenBatch], plan: Plan) -> Iterator[tuple[int, Pooled]]:
        """Each batch's index with what the batch leaves behind, in the order they get done."""
        ...


def open_engine(encoder: Encoder) -> Engine:
    """The engine for this encoder on this machine."""
    from poolwise.engines.transformers_engine import TransformersEngine  # noqa: PLC0415 - torch

    return TransformersEngine(encoder)
