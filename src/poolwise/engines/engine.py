"""The protocol that every engine keeps, and how one is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from warnings import warn

from poolwise.encoders import Encoder
from poolwise.engines.plan import Plan, Source
from poolwise.errors import PoolwiseWarning, needs
from poolwise.inputs import check_choices
from poolwise.records import Floats, Precision, TokenBatch


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
    in tokens with padding, at which this engine is at its best; ``mixes`` says whether it wants
    sequences of different lengths in one; ``attends`` whether it can hand out attention maps.
    """

    name: str
    precision: Precision
    token_budget: int
    mixes: bool
    attends: bool

    def run(self, batches: Sequence[TokenBatch], plan: Plan) -> Iterator[tuple[int, Pooled]]:
        """Each batch's index with what the batch leaves behind, in the order they get done."""
        ...


def open_engine(
    encoder: Encoder, precision: Precision = "exact", *, attentions: bool = False
) -> Engine:
    """The engine for this encoder on this machine: a GPU's if there is one, else the fastest.

    One that hands out ``attentions`` is the transformers engine, always exact. Only the native
    engine has other precisions than ``exact``. Where what was asked for cannot be
    had, a PoolwiseWarning says so and exact vectors are made: an output always names the precision
    that it really has.
    """
    check_choices(precision=precision)
    if attentions:
        return _transformers_engine(encoder)
    from poolwise.engines import native_engine as native  # noqa: PLC0415

    if not native.levels():
        _say("this machine lacks the native engine (x86-64 with AVX2); transformers runs instead")
    elif native.runs(encoder) and not _has_gpu():
        if precision == "near" and not native.has_half(native.levels()[0]):
            _say("this CPU has no fp16 arithmetic, which precision near needs; runs exact instead")
            precision = "exact"
        return native.NativeEngine(encoder, precision)
    if precision != "exact":
        _say(f"{encoder.name} does not run on the native engine here: exact instead of {precision}")
    return _transformers_engine(encoder)


def _transformers_engine(encoder: Encoder) -> Engine:
    family = encoder.family.name
    with needs("torch", f"{encoder.name}: {family}, run by the transformers engine,"):
        from poolwise.engines.transformers_engine import TransformersEngine  # noqa: PLC0415

    return TransformersEngine(encoder)


def _has_gpu() -> bool:
    """Whether torch can use a GPU. Asks torch, which takes seconds, only where one is in sight."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) or find_spec("torch") is None:
        return False
    import torch  # noqa: PLC0415

    return bool(torch.cuda.is_available())


@cache
def _say(message: str) -> None:
    """Warn once a process."""
    warn(message, PoolwiseWarning, stacklevel=4)
