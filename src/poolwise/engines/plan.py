"""What to compute: the union of all asked readouts as one plan. Pure; knows no engine.

A *source* is a vector that an engine makes: one pool of one hidden state, or, where pooling and
combining layers do not commute (an element-wise max of a mix of layers), one pool of a weighted sum
of hidden states. A readout is then a *recipe*: sums of sources, set side by side.
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
class Source:
    """One pool of the sum of ``coefficient * hidden_states[k]`` over ``terms``."""

    pool: Pool
    terms: tuple[Term, ...]

    @property
    def deepest(self) -> int:
        return max(layer for layer, _ in self.terms)


Part = tuple[tuple[Source, float], ...]
"""A weighted sum of sources, [n, hidden size]."""

Recipe = tuple[Part, ...]
"""Parts set side by side along the last axis."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass computes.

    ``deepest``     the deepest hidden state needed; no block above it runs.
    ``sources``     every vector the engine makes, each once, whoever asked for it.
    ``recipes``     readout string to recipe.
    ``rows``        token positions needed of hidden state ``deepest`` (negative from the end), or
                    None for all: an engine may leave the others uncomputed.
    ``attentions``  blocks (1 … depth) whose attention maps are needed.
    """

    deepest: int
    sources: tuple[Source, ...]
    recipes: Mapping[str, Recipe]
    rows: tuple[int, ...] | None
    attentions: tuple[int, ...] = ()

    def assemble(self, made: Mapping[Source, Floats]) -> dict[str, Floats]:
        """Sources [n, hidden size] each → readouts [n, width] each, before their steps."""
        return {name: _cook(recipe, made) for name, recipe in self.recipes.items()}


def plan(
    readouts: Iterable[Readout],
    *,
    depth: int,
    has_pooler: bool = False,
    attentions: Iterable[int] = (),
) -> Plan:
    """The one plan for all ``readouts`` of an encoder with ``depth`` blocks.

    Raises ReadoutError for a layer that does not exist and for ``pooler`` without one.
    """
    recipes = {str(r): _recipe(r, depth, has_pooler) for r in readouts}
    maps = tuple(sorted(set(attentions)))
    if maps and not 1 <= maps[0] <= maps[-1] <= depth:
        raise ReadoutError(f"attention maps exist for blocks 1..{depth}, not {maps}")
    sources = tuple(dict.fromkeys(s for r in recipes.values() for part in r for s, _ in part))
    deepest = max([s.deepest for s in sources] + list(maps), default=0)
    return Plan(deepest, sources, recipes, _rows(sources, deepest), maps)


def _recipe(readout: Readout, depth: int, has_pooler: bool) -> Recipe:
    if readout.pool.kind == "pooler":
        if not has_pooler:
            raise ReadoutError(
                f"{readout}: this encoder has no pooler weights, so there is nothing trained to "
                "read; cls@-1 is the row a pooler would start from"
            )
        return (((Source(readout.pool, ((depth, 1.0),)), 1.0),),)
    layers = readout.layer_indices(depth)
    assert readout.layers is not None  # only the pooler has none
    if readout.layers.combine == "concat":
        mixes: list[tuple[Term, ...]] = [((layer, 1.0),) for layer in layers]
    else:
        mixes = [_merged(layers, readout.layers.coefficients(depth))]
    return tuple(_part(pool, mix) for pool in readout.pool.parts for mix in mixes)


def _merged(layers: Sequence[int], coefficients: Sequence[float]) -> tuple[Term, ...]:
    """One term a layer, in the order in which the layers pass."""
    total = dict.fromkeys(sorted(layers), 0.0)
    for layer, coefficient in zip(layers, coefficients, strict=True):
        total[layer] += coefficient
    return tuple(total.items())


def _part(pool: Pool, mix: tuple[Term, ...]) -> Part:
    """Linear pools commute with a mix of layers, so they share the single-layer sources."""
    if pool.kind in ("max", "max[words]"):
        return ((Source(pool, mix), 1.0),)
    return tuple((Source(pool, ((layer, 1.0),)), coefficient) for layer, coefficient in mix)


ROW_POOLS = ("cls", "sep", "token", "pooler")


def _rows(sources: Sequence[Source], deepest: int) -> tuple[int, ...] | None:
    """The rows of the deepest hidden state that anyone reads; None means all."""
    rows: set[int] = set()
    for source in sources:
        if source.deepest < deepest:
            continue
        if source.pool.kind not in ROW_POOLS:
            return None
        rows.add(row_of(source.pool))
    return tuple(sorted(rows))


def row_of(pool: Pool) -> int:
    """The position that a one-row pool reads; negative counts from the last real token."""
    if pool.kind == "token":
        assert pool.position is not None
        return pool.position
    return -1 if pool.kind == "sep" else 0


def _cook(recipe: Recipe, made: Mapping[Source, Floats]) -> Floats:
    columns = [_sum(part, made) for part in recipe]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)


def _sum(part: Part, made: Mapping[Source, Floats]) -> Floats:
    if len(part) == 1 and part[0][1] == 1:
        return made[part[0][0]]
    total = np.zeros(made[part[0][0]].shape, np.float64)
    for source, coefficient in part:
        total += coefficient * made[source].astype(np.float64)
    return total.astype(np.float32)
