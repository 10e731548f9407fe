"""The native engine for CPUs: the Python side of the C++ core.

Sequences are packed without padding, and each attends to its own tokens only. Every row of every
product is computed in the same order of operations in any batch: a text's vector has the same bits
in any batch, at any position in it, with any number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec

import numpy as np

from poolwise.encoders import Encoder
from poolwise.engines.engine import BatchOutputs
from poolwise.engines.native_weights import ACTIVATIONS, native_encoder
from poolwise.engines.native_weights.families import FAMILIES
from poolwise.engines.plan import Plan, PooledState
from poolwise.engines.token_weights import Padded, weights
from poolwise.engines.workers import Threads, cores, run_batches
from poolwise.errors import OptionError, listed
from poolwise.records import Floats, Ints, Precision, TokenBatch

TOKEN_BUDGET = 512
"""Tokens in a batch: few enough that a window's batches keep every core busy until its end."""

MAX_THREADS = 64
"""The most threads that the core uses for one batch."""


LEVELS_VARIABLE = "POOLWISE_NATIVE_LEVELS"
"""An environment variable for tests and diagnosis; see ``levels``."""


@cache
def levels() -> tuple[str, ...]:
    """The instruction sets with kernels on this CPU, best first; empty without the extension.

    The last, ``portable``, runs on every CPU. ``POOLWISE_NATIVE_LEVELS`` narrows them: the names,
    with commas between them, of those that may be used, and where it is empty none, so that
    transformers runs. It is read once in a process. OptionError for a name that is none of them.
    """
    try:
        from poolwise import _native  # noqa: PLC0415 - the extension may be missing
    except ImportError:
        return ()
    existing = tuple(_native.levels())
    wanted = os.environ.get(LEVELS_VARIABLE)
    if wanted is None:
        return existing
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if unknown := [name for name in names if name not in existing]:
        raise OptionError(
            f"{LEVELS_VARIABLE} names {listed(unknown)}; this machine has {listed(existing)}"
        )
    return tuple(level for level in existing if level in names)


def absence() -> str:
    """Why ``levels`` is empty, as the beginning of a sentence."""
    if find_spec("poolwise._native") is None:
        return (
            "the native engine is missing: poolwise was installed without a wheel for this system, "
            "and without a C++20 compiler (with one, pip install --force-reinstall --no-deps "
            "--no-cache-dir poolwise builds it)"
        )
    try:
        from poolwise import _native  # noqa: F401, PLC0415
    except ImportError as error:
        return f"the native engine cannot be loaded ({error})"
    return f"{LEVELS_VARIABLE} switches the native engine off"


def has_precision(level: str, precision: Precision) -> bool:
    """Whether a level, one of ``levels`` or ``emulated``, has arithmetic for the precision."""
    from poolwise import _native  # noqa: PLC0415

    return bool(_native.has_precision(level, precision))


def runs(encoder: Encoder) -> bool:
    """Whether the core has the encoder's family and activation."""
    has_activation = encoder.config["hidden_act"] in ACTIVATIONS
    has_convolution = encoder.config.values.get("conv_kernel_size", 0) > 0
    return encoder.family.model_type in FAMILIES and has_activation and not has_convolution


class NativeEngine:
    """An ``Engine`` over the C++ core.

    ``precision`` is ``exact`` (float32), ``near`` (fp16 where the CPU computes in it, else int16)
    or ``fast`` (int8 where the CPU multiplies bytes, else int16). ``level`` names the
    instruction set, by default the best. ``streams`` is the number of workers, each with batches of
    its own; with fewer batches than workers, all of them work on each batch.
    """

    name = "native"
    token_budget = TOKEN_BUDGET
    mixed_lengths = True
    returns_attentions = False

    def __init__(
        self,
        encoder: Encoder,
        precision: Precision = "exact",
        *,
        level: str | None = None,
        streams: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.precision = precision
        self.level = level or levels()[0]
        self.streams = streams or cores()
        self._pooling = lru_cache(maxsize=8)(_Pooling)
        self._padding_id = encoder.family.padding_id(encoder.config.values)
        self._threads = Threads(self.streams)
        self._core = native_encoder(encoder, self.level, precision)

    def run(self, batches: Sequence[TokenBatch], plan: Plan) -> Iterator[tuple[int, BatchOutputs]]:
        """See ``Engine``. The plan must ask for no attention maps."""
        assert not plan.attentions
        if len(batches) < self.streams:
            for index, batch in enumerate(batches):
                yield index, self._outputs(batch, plan, min(self.streams, MAX_THREADS))
            return
        workers = self._threads.executor
        yield from run_batches(workers, lambda batch: self._outputs(batch, plan, 1), batches)

    def _outputs(self, batch: TokenBatch, plan: Plan, threads: int) -> BatchOutputs:
        pooling = self._pooling(plan.pooled_states)
        vectors, hidden_states = self._core.run(
            ids=batch.ids,
            positions=positions(batch, self._padding_id),
            offsets=batch.offsets,
            deepest=plan.deepest,
            rows=_rows(batch, plan),
            weights=pooling.weights(batch),
            linear=pooling.linear,
            maxima=pooling.maxima,
            pooler=pooling.pooler,
            hidden_states=plan.hidden_states,
            threads=threads,
        )
        return BatchOutputs(
            dict(zip(pooling.pooled_states, vectors, strict=True)),
            {
                layer: np.split(packed, batch.offsets[1:-1])
                for layer, packed in zip(plan.hidden_states, hidden_states, strict=True)
            },
        )


class _Pooling:
    """The plan's pooled states in the core's order: linear pools, maxima, pooler."""

    def __init__(self, pooled_states: tuple[PooledState, ...]) -> None:
        linear = [s for s in pooled_states if s.pool.facts.form not in ("max", "pooler")]
        maxima = [s for s in pooled_states if s.pool.facts.form == "max"]
        pooler = [s for s in pooled_states if s.pool.facts.form == "pooler"]
        self._pools = pools = list(dict.fromkeys(s.pool for s in linear))
        self._max_pools = max_pools = list(dict.fromkeys(s.pool for s in maxima))
        self._cached_weights = lru_cache(maxsize=64)(self._weights_of_sequence)
        self.linear = [(s.deepest, pools.index(s.pool)) for s in linear]
        self.maxima = [(len(pools) + max_pools.index(s.pool), list(s.terms)) for s in maxima]
        self.pooler = bool(pooler)
        self.pooled_states: list[PooledState] = linear + maxima + pooler

    def weights(self, batch: TokenBatch) -> Floats:
        """Float32 [pools, tokens]: one row for each different pool.

        Those of a single sequence depend on its special tokens only, and are cached.
        """
        if len(batch) > 1 or batch.unread is not None:
            return self._weights(batch)
        return self._cached_weights(batch.special.tobytes())

    def _weights_of_sequence(self, special: bytes) -> Floats:
        tokens = np.frombuffer(special, np.bool_)
        offsets = np.array([0, len(tokens)], np.int32)
        return self._weights(TokenBatch(np.zeros(len(tokens), np.int32), tokens, offsets))

    def _weights(self, batch: TokenBatch) -> Floats:
        padded = Padded(batch)
        pools, max_pools = self._pools, self._max_pools
        rows = [np.moveaxis(weights(pools, padded), 1, 0)[:, padded.real]] if pools else []
        rows += [padded.mask(pool)[padded.real][None].astype(np.float32) for pool in max_pools]
        empty = np.zeros((0, len(batch.ids)), np.float32)
        table: Floats = np.ascontiguousarray(np.concatenate([empty, *rows]))
        return table


def positions(batch: TokenBatch, padding_id: int | None) -> Ints:
    """Each token's row of the position embeddings, int32 [total].

    0, 1, 2 … in each sequence; families with a ``padding_id`` count from it, without tokens of that
    id, as transformers' ``create_position_ids_from_input_ids``.
    """
    index = _counted(len(batch.ids))
    if padding_id is None and len(batch) == 1:
        return index
    starts, lengths = batch.offsets[:-1], batch.lengths
    if padding_id is None:
        return index - np.repeat(starts, lengths)
    real = batch.ids != padding_id
    before = np.concatenate([[0], np.cumsum(real)])
    real_before = before[1:] - np.repeat(before[starts], lengths)
    shifted: Ints = (real_before * real + padding_id).astype(np.int32)
    return shifted


@lru_cache(maxsize=64)
def _counted(n: int) -> Ints:
    """0, 1 … n - 1."""
    return np.arange(n, dtype=np.int32)


def _rows(batch: TokenBatch, plan: Plan) -> Ints | None:
    """The tokens whose deepest hidden state is pooled, in rising order; None for all of them."""
    if plan.rows is None:
        return None
    starts, ends = batch.offsets[:-1], batch.offsets[1:]
    places = [ends + row if row < 0 else starts + row for row in plan.rows]
    if batch.unread is not None and 0 in plan.rows:
        places.append(starts + batch.unread)  # [CLS] is the first token that is read
    existing = [place[(place >= starts) & (place < ends)] for place in places]
    rows: Ints = np.unique(np.concatenate([np.zeros(0, np.int32), *existing]))
    return rows
