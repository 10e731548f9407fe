"""A readout as modules on an encoder cut to depth, or an error that says why there are none.

Layer k            the encoder without the blocks above k
layers mixed       WeightedLayerPooling, which divides by the sum of the weights
pools              Pooling
pooler             Pooling of [CLS], Dense with tanh
dense              the layers that the model's own folder has after pooling
other steps        one Dense: each is affine, and so is their chain
l2                 Normalize: last, or in front of dense
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.variants.truncate_depth import fewest_blocks
from poolwise.engines import plan
from poolwise.errors import ReadoutError
from poolwise.exports.modules import (
    NORMALIZE,
    Module,
    dense,
    own_layer,
    pooling,
    weighted_layers,
)
from poolwise.readouts import POOLING_MODES, Pool, PoolingMode, Readout, Step, join
from poolwise.transforms import Transform, stateless
from poolwise.transforms.fitting import State, apply_step
from poolwise.transforms.linear import Doubles

_ENDS = {pool.row: pool for pool in (Pool("cls"), Pool("sep"))}


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The first ``blocks`` blocks of an encoder, and the ``modules`` on top of them."""

    blocks: int
    modules: tuple[Module, ...]

    @property
    def mixes_layers(self) -> bool:
        """Whether more is read than the last block's output."""
        return any(module.kind == "WeightedLayerPooling" for module in self.modules)


def module_stack(encoder: Encoder, readout: Readout, transform: Transform) -> Stack:
    """The modules that give ``readout``, its steps as ``transform`` has fitted them.

    Raises ReadoutError for a readout that this encoder does not have, or that no stack of stock
    modules gives; it names what comes nearest.
    """
    plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    modes = _modes(readout)
    _check_steps(readout)
    mix = _mix(encoder, readout)
    scale = _scale(readout, mix)
    modules = [] if _is_last(mix) else [weighted_layers(encoder.width, mix)]
    modules.append(pooling(encoder.width, modes, prompt=encoder.prompts.pooled))
    if readout.pool.kind == "pooler":
        modules.append(pooler_dense(encoder))
    start = scale * _ordered(modes, encoder.width)
    modules.extend(
        after_pooling(encoder, start, list(zip(readout.steps, transform.states, strict=True)))
    )
    return Stack(len(mix) - 1, tuple(modules))


def after_pooling(
    encoder: Encoder, start: Doubles, fitted: Sequence[tuple[Step, State]]
) -> Iterator[Module]:
    """The modules after Pooling, whose vectors are first multiplied by ``start`` [d, d]."""
    unit = np.array_equal(start, np.eye(len(start)))
    if not unit and (not fitted or fitted[0][0].name in ("l2", "dense")):
        yield folded(start, ())
        unit = True
    width = len(start)
    for kind, group in groupby(fitted, lambda pair: KINDS.get(pair[0].name, "affine")):
        if kind == "affine":
            module = folded(np.eye(width) if unit else start, group)
            width, unit = len(module.tensors["linear.bias"]), True
            yield module
        elif kind == "l2":
            yield NORMALIZE
        else:
            assert encoder.dense_stack is not None  # the plan's readout was checked against it
            yield from map(own_layer, encoder.dense_stack.layers)
            width = encoder.dense_stack.widths[1]


KINDS = {"l2": "l2", "dense": "dense"}


def encoder_stack(encoder: Encoder, readout: Readout) -> Stack:
    """The encoder, its last hidden state (or its pooler) the one that ``readout`` reads.

    Its modules pool as ``readout`` does; there are none where stock modules do not. Raises
    ReadoutError for a readout that reads several layers or has steps.
    """
    plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
    layers = readout.layer_indices(encoder.depth)
    blocks = fewest_blocks(encoder, max(layers))
    if readout.steps or set(layers) != {blocks}:
        reason = (
            f"its last hidden state is never hidden state {layers[0]}"
            if len(set(layers)) == 1 and not readout.steps
            else "it ends with one hidden state of every token"
        )
        alternative = "pooler" if readout.layers is None else f"{readout.pool}@-1"
        raise ReadoutError(
            f"{readout} cannot be a transformers folder: that is an encoder alone, and {reason}. "
            f"Nearest is {alternative}, or the format sentence-transformers"
        )
    try:
        modules = module_stack(encoder, readout, stateless(readout)).modules
    except ReadoutError:
        modules = ()
    return Stack(blocks, modules)


def _modes(readout: Readout) -> list[PoolingMode]:
    """The mode of each pool whose vectors stand side by side."""
    modes: list[PoolingMode] = []
    parts = list(readout.pool.parts)
    for i, part in enumerate(parts):
        pool = _stock(part)
        mode, nearest = pool.facts.pooling_mode, pool.facts.nearest
        if mode is None:
            assert nearest is not None
            reads = "special tokens too" if pool.words_only else "the first token or the last"
            parts[i] = Pool(nearest)
            alternative = replace(readout, pool=join(list(dict.fromkeys(parts))))
            raise _inexpressible(readout, f"Pooling reads {reads}", alternative)
        modes.append(mode)
    if len(set(modes)) < len(modes):
        alternative = replace(readout, pool=join(parts[:1]))
        raise _inexpressible(readout, "Pooling has each mode once", alternative)
    if readout.layers is not None and readout.layers.combine == "concat":
        average = replace(readout.layers, combine="avg")
        reason = "no module puts layers side by side"
        raise _inexpressible(readout, reason, replace(readout, layers=average))
    return modes


def _stock(pool: Pool) -> Pool:
    """token[0] and token[-1] under the names that Pooling has modes for."""
    return _ENDS.get(pool.row, pool) if pool.kind == "token" else pool


def modes_in_order(pool: Pool) -> list[PoolingMode] | None:
    """The modes with which Pooling alone gives ``pool``; None where it needs more than Pooling."""
    modes = [_stock(part).facts.pooling_mode for part in pool.parts]
    known = [mode for mode in POOLING_MODES if mode in modes]
    return known if known == modes else None


def _check_steps(readout: Readout) -> None:
    """Refuse integers, and ``l2`` anywhere but last and in front of the model's own layers."""
    steps = readout.steps
    if steps and steps[-1].facts.final:
        raise _inexpressible(
            readout,
            f"modules give floats, {steps[-1]} integers",
            replace(readout, steps=steps[:-1]),
            f'; its users get integers by encode(..., precision="{steps[-1]}")',
        )
    if any(step.name == "l2" and following.name != "dense" for step, following in pairwise(steps)):
        others = tuple(step for step in readout.steps if step.name != "l2")
        raise _inexpressible(
            readout,
            "servers that normalise last would read a Dense behind Normalize wrongly",
            replace(readout, steps=(*others, Step("l2"))),
        )


def _mix(encoder: Encoder, readout: Readout) -> Doubles:
    """The coefficient of each hidden state of the cut encoder."""
    layers = readout.layer_indices(encoder.depth)
    factors = (1.0,) if readout.layers is None else readout.layers.coefficients(encoder.depth)
    mix = np.zeros(fewest_blocks(encoder, max(layers)) + 1)
    np.add.at(mix, list(layers), factors)
    return mix


def _is_last(mix: Doubles) -> bool:
    return not mix[:-1].any()


def _scale(readout: Readout, mix: Doubles) -> float:
    """What the pooled vector is multiplied by, since WeightedLayerPooling gives an average."""
    scale = float(mix.sum())
    if abs(scale) < 1e-6 * np.abs(mix).sum():
        reason = "WeightedLayerPooling divides by the sum of the weights, which is 0 here"
        raise _inexpressible(readout, reason, "weights of another sum")
    if scale < 0 and Pool("max") in readout.pool.parts:
        reason = f"its layers weigh {scale:g} together, and the max of what is negated is a min"
        raise _inexpressible(readout, reason, "the same weights with the other sign")
    return 1.0 if np.isclose(scale, 1, rtol=1e-12) else scale


def pooler_dense(encoder: Encoder) -> Module:
    """The pooler's tanh(W · x + b), for the vector of [CLS]."""
    weight, bias = (encoder.tensors[f"{encoder.family.pooler}.{p}"] for p in ("weight", "bias"))
    return dense(weight, bias, "Tanh")


def _ordered(modes: Sequence[PoolingMode], width: int) -> Doubles:
    """From Pooling's order of dimensions to the readout's, [d, d]."""
    pooled_order = sorted(modes, key=tuple(POOLING_MODES).index)
    places = np.array([[mode == wanted for wanted in modes] for mode in pooled_order], np.float64)
    return np.asarray(np.kron(places, np.eye(width)), np.float64)


def folded(start: Doubles, steps: Iterable[tuple[Step, State]]) -> Module:
    """One Dense for ``start`` [d, d] and the affine steps after it, each with what it learned.

    What they make of the origin is the bias, what they make of the unit vectors, less the bias,
    the weights.
    """
    points = np.vstack([np.zeros(len(start)), start])
    for step, state in steps:
        points = apply_step(step, state, points)
    return dense((points[1:] - points[0]).T, points[0])


def _inexpressible(
    readout: Readout, reason: str, alternative: Readout | str, advice: str = ", or the format onnx"
) -> ReadoutError:
    return ReadoutError(
        f"{readout} cannot be expressed by sentence-transformers' modules: {reason}. "
        f"Nearest is {alternative}{advice}"
    )
