"""What to compute for a set of readouts, as one plan. Pure; knows no engine.

A *pooled state* is a vector that an engine computes: one pool of one hidden state, or, where
pooling and combining layers do not commute (an element-wise max over a sum of layers), one pool of
a weighted sum of hidden states. A readout is an *expression* of them: weighted sums, concatenated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.errors import ReadoutError
from poolwise.readouts import Pool, Readout
from poolwise.records import Floats

Term = tuple[int, float]
"""(hidden state, coefficient)."""


@dataclass(frozen=True, slots=True)
class PooledState:
    """One pool of the sum of ``coefficient * hidden_states[k]`` over ``terms``."""

    pool: Pool
    terms: tuple[Term, ...]

    @property
    def deepest(self) -> int:
        return max(layer for layer, _ in self.terms)


WeightedSum = tuple[tuple[PooledState, float], ...]
"""A weighted sum of pooled states, [n, hidden size]."""

Expression = tuple[WeightedSum, ...]
"""Weighted sums, concatenated along the last axis."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass computes.

    ``deepest``        the deepest hidden state needed; no block above it runs.
    ``pooled_states``  every vector that the engine computes, each once.
    ``expressions``    readout string to expression.
    ``rows``           token positions needed of hidden state ``deepest`` (negative from the end),
                       or None for all: an engine may leave the others uncomputed.
    ``hidden_states``  layers (0 … depth) of which every token's hidden state is returned.
    ``attentions``     blocks (1 … depth) whose attention maps are returned.
    """

    deepest: int
    pooled_states: tuple[PooledState, ...]
    expressions: Mapping[str, Expression]
    rows: tuple[int, ...] | None
    hidden_states: tuple[int, ...] = ()
    attentions: tuple[int, ...] = ()

    def assemble(self, vectors: Mapping[PooledState, Floats]) -> dict[str, Floats]:
        """Pooled states [n, hidden size] each → readouts [n, width] each, before their steps."""
        return {name: _evaluate(expr, vectors) for name, expr in self.expressions.items()}


def plan(
    readouts: Iterable[Readout],
    *,
    depth: int,
    has_pooler: bool = False,
    hidden_states: Iterable[int] = (),
    attentions: Iterable[int] = (),
) -> Plan:
    """The plan for all ``readouts`` of an encoder with ``depth`` blocks, and for whole layers.

    Raises ReadoutError for a layer that does not exist and for ``pooler`` without one.
    """
    expressions = {str(r): _expression(r, depth, has_pooler) for r in readouts}
    layers, maps = tuple(sorted(set(hidden_states))), tuple(sorted(set(attentions)))
    if layers and not 0 <= layers[0] <= layers[-1] <= depth:
        raise ReadoutError(f"hidden states are 0..{depth}, not {layers}")
    if maps and not 1 <= maps[0] <= maps[-1] <= depth:
        raise ReadoutError(f"attention maps exist for blocks 1..{depth}, not {maps}")
    pooled_states = tuple(
        dict.fromkeys(state for e in expressions.values() for terms in e for state, _ in terms)
    )
    deepest = max([s.deepest for s in pooled_states] + [*layers, *maps], default=0)
    rows = None if deepest in layers else _rows(pooled_states, deepest)
    return Plan(deepest, pooled_states, expressions, rows, layers, maps)


def _expression(readout: Readout, depth: int, has_pooler: bool) -> Expression:
    if readout.pool.kind == "pooler":
        if not has_pooler:
            raise ReadoutError(
                f"{readout}: this encoder has no pooler weights, so there is nothing trained to "
                "read; cls@-1 is the row a pooler would start from"
            )
        return (((PooledState(readout.pool, ((depth, 1.0),)), 1.0),),)
    layers = readout.layer_indices(depth)
    assert readout.layers is not None  # only the pooler has none
    if readout.layers.combine == "concat":
        sums: list[tuple[Term, ...]] = [((layer, 1.0),) for layer in layers]
    else:
        sums = [_merged(layers, readout.layers.coefficients(depth))]
    return tuple(_weighted_sum(pool, terms) for pool in readout.pool.parts for terms in sums)


def _merged(layers: Sequence[int], coefficients: Sequence[float]) -> tuple[Term, ...]:
    """One term a layer, in rising order, as the layers are computed."""
    total = dict.fromkeys(sorted(layers), 0.0)
    for layer, coefficient in zip(layers, coefficients, strict=True):
        total[layer] += coefficient
    return tuple(total.items())


def _weighted_sum(pool: Pool, terms: tuple[Term, ...]) -> WeightedSum:
    """Linear pools commute with a sum of layers, so they share the states of single layers."""
    if pool.facts.form == "max":
        return ((PooledState(pool, terms), 1.0),)
    return tuple((PooledState(pool, ((layer, 1.0),)), coefficient) for layer, coefficient in terms)


def _rows(pooled_states: Sequence[PooledState], deepest: int) -> tuple[int, ...] | None:
    """The rows of the deepest hidden state that are pooled; None means all."""
    rows: set[int] = set()
    for state in pooled_states:
        if state.deepest < deepest:
            continue
        if state.pool.row is None:
            return None
        rows.add(state.pool.row)
    return tuple(sorted(rows))


def _evaluate(expression: Expression, vectors: Mapping[PooledState, Floats]) -> Floats:
    columns = [_sum(terms, vectors) for terms in expression]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)


def _sum(terms: WeightedSum, vectors: Mapping[PooledState, Floats]) -> Floats:
    if len(terms) == 1 and terms[0][1] == 1:
        return vectors[terms[0][0]]
    total = np.zeros(vectors[terms[0][0]].shape, np.float64)
    for state, coefficient in terms:
        total += coefficient * vectors[state].astype(np.float64)
    return total.astype(np.float32)
