"""Which readouts take part in a sweep: pool x layer x steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from poolwise.errors import ReadoutError
from poolwise.readouts import Readout, Step, parse

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

POOLS = ("cls", "sep", "mean", "mean[words]", "max", "wmean")
MORE_POOLS = ("max[words]", "meanmax", "sqrtmean", "token[1]", "token[2]")
STEPS = ("", "|standardize", "|whiten({k})")
MORE_STEPS = ("|center", "|drop(1)", "|drop(3)", "|whiten({k})|l2")
MIXES = ("mean@avg(1,-1)", "mean@avg(0,-1)", "mean@avg({a}:-1)")
MORE_MIXES = ("cls@avg({a}:-1)", "mean@concat({a}:-1)", "cls@concat({a}:-1)")

WHITENED = (256, 128, 64, 32, 16)
"""Dimensions kept by whitening, the most that the vectors and the texts carry: Su et al. 2021 keep
256 of 768."""


def expand_grid(encoder: Encoder, grid: str, n_fit: int) -> list[Readout]:
    """The readouts that ``grid`` names: ``default``, ``full``, or patterns between blanks.

    In a pattern ``*`` stands for every hidden state and ``{a,b}`` for either:
    ``{cls,mean}@* mean@-1|whiten(128)``. ``n_fit`` texts will fit the steps; whitening keeps no
    more dimensions than half of them. ``mean@-1``, the pooler where there is one and the
    folder's own readout always take part. Where that ends in ``l2``, so does every readout but
    those of patterns: who takes another readout of a model that normalises gets vectors of length
    1 as before. Of readouts that read the same, ``mean@6`` and ``mean@-1`` of six blocks, the first
    named stays.

    Raises ReadoutError for a pattern that is none.
    """
    ready_made = grid in {"default", "full"}
    patterns = _ready_made(encoder, grid, n_fit) if ready_made else grid.split()
    if not patterns:
        raise ReadoutError("the grid is empty; expected default, full, or readouts between blanks")
    readouts = [parse(spec) for pattern in patterns for spec in _expanded(pattern, encoder.depth)]
    readouts.append(parse("mean@-1"))
    if encoder.has_pooler:
        readouts.append(parse("pooler"))
    own = encoder.declared
    if own is not None:
        if ready_made and normalises(encoder):
            readouts = [with_l2(readout) for readout in readouts]
        named = {canonical_key(readout, encoder) for readout in readouts}
        if ready_made or canonical_key(without_l2(own), encoder) not in named:
            readouts.append(own)
    seen: dict[tuple[object, ...], Readout] = {}
    for readout in readouts:
        encoder.width_of(readout)
        seen.setdefault(canonical_key(readout, encoder), readout)
    return list(seen.values())


def normalises(encoder: Encoder) -> bool:
    """Whether the readout that the encoder's folder declares ends in ``l2``."""
    return encoder.declared is not None and encoder.declared != without_l2(encoder.declared)


def with_l2(readout: Readout) -> Readout:
    """The readout with a last ``l2``, where its steps do not end in one, or in integers."""
    last = readout.steps[-1] if readout.steps else None
    if last is not None and (last.name == "l2" or last.facts.final):
        return readout
    return replace(readout, steps=(*readout.steps, Step("l2")))


def without_l2(readout: Readout) -> Readout:
    """The readout without a last ``l2``."""
    steps = readout.steps
    return replace(readout, steps=steps[:-1]) if steps and steps[-1].name == "l2" else readout


def _ready_made(encoder: Encoder, grid: str, n_fit: int) -> list[str]:
    full = grid == "full"
    room = min(encoder.width, n_fit // 2)
    k = next((size for size in WHITENED if size <= room), None)
    steps = [
        step.format(k=k)
        for step in STEPS + (MORE_STEPS if full else ())
        if k is not None or "{k}" not in step
    ]
    pools = POOLS + (MORE_POOLS if full else ())
    mixes = MIXES + (MORE_MIXES if full else ())
    deep = -min(4, encoder.depth)
    return [
        *(f"{pool}@*{step}" for step in steps for pool in pools),
        *(mix.format(a=deep) for mix in mixes),
    ]


def _expanded(pattern: str, depth: int) -> Iterator[str]:
    brace = re.search(r"\{([^{}]*)\}", pattern)
    if brace:
        for choice in brace[1].split(","):
            yield from _expanded(pattern[: brace.start()] + choice + pattern[brace.end() :], depth)
    elif "@*" in pattern:
        for layer in layer_numbers(depth):
            yield from _expanded(pattern.replace("@*", f"@{layer}"), depth)
    else:
        yield pattern


def layer_numbers(depth: int) -> tuple[int, ...]:
    """Every hidden state as readouts name it: 0 … depth − 1, and −1 for the last, which is so the
    same name for every encoder."""
    return (*range(depth), -1)


def canonical_key(readout: Readout, encoder: Encoder) -> tuple[object, ...]:
    """Equal where readouts are the same for this encoder, however their layers are written."""
    return _key(readout, encoder.depth)


@lru_cache(4096)
def _key(readout: Readout, depth: int) -> tuple[object, ...]:
    """Cached: a choice that is made hundreds of times finds its references each time."""
    layers = readout.layers
    states = () if layers is None else layers.resolve(depth)
    combine = "single" if layers is None or len(states) == 1 else layers.combine
    weights = () if layers is None else layers.weights
    return (str(readout.pool), combine, states, weights, tuple(map(str, readout.steps)))
