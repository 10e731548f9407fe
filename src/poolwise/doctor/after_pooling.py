"""What may be done to a pooled vector with the model's own layers, rightly or wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.matching import unit_rows
from poolwise.encoders import Encoder
from poolwise.encoders.modules.dense_stack import DenseStack, NormLayer

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AfterPooling:
    """A computation on pooled vectors [n, ``width``].

    ``steps`` is how readouts write it (``|dense``), None where they cannot; ``meaning`` a part of a
    sentence. ``skips`` are pools that it does not follow, as the result has another name.
    """

    name: str
    steps: str | None
    meaning: str
    width: int | None
    apply: Callable[[Doubles], Doubles]
    skips: tuple[str, ...] = ()


NOTHING = AfterPooling("nothing", "", "nothing follows pooling", None, lambda x: x)


def after_pooling(encoder: Encoder) -> list[AfterPooling]:
    """Nothing first, then what the folder's Dense layers and the checkpoint's pooler allow."""
    return [NOTHING, *_dense(encoder.dense_stack), *_pooler(encoder)]


def layer_norm(width: int) -> AfterPooling:
    """As Nomic Embed's code has it before it cuts vectors; hardly another direction, else."""
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    norm = NormLayer({"norm.weight": ones, "norm.bias": zeros})
    meaning = "a LayerNorm without weights follows"
    return AfterPooling("layer norm", None, meaning, width, norm.apply)


def _dense(stack: DenseStack | None) -> Iterator[AfterPooling]:
    if stack is None:
        return
    takes, gives = stack.widths
    yield AfterPooling("dense", "|dense", "the Dense layers follow", takes, stack.apply)
    yield AfterPooling(
        "l2, dense",
        "|l2|dense",
        "the Dense layers follow a normalisation",
        takes,
        lambda x: stack.apply(unit_rows(x)),
    )
    if gives == takes:
        yield AfterPooling(
            "dense twice",
            None,
            "the Dense layers are applied twice",
            takes,
            lambda x: stack.apply(stack.apply(x)),
        )
    for n in range(1, len(stack.layers)):
        part = DenseStack(stack.layers[:n])
        yield AfterPooling(
            f"dense, first {n} of {len(stack.layers)}",
            None,
            f"only {n} of the {len(stack.layers)} layers after pooling are applied",
            takes,
            part.apply,
        )


def _pooler(encoder: Encoder) -> Iterator[AfterPooling]:
    if not encoder.has_pooler:
        return
    weight = encoder.tensors[f"{encoder.family.pooler}.weight"].astype(np.float64)
    bias = encoder.tensors[f"{encoder.family.pooler}.bias"].astype(np.float64)

    def pooler(x: Doubles) -> Doubles:
        return np.tanh(x @ weight.T + bias)

    meaning = (
        "pooled twice: the checkpoint's pooler, which is made for [CLS], is applied to the result"
    )
    yield AfterPooling(
        "pooler",
        None,
        meaning,
        encoder.width,
        pooler,
        skips=("cls@-1",),  # whose name is then pooler
    )
    stack = encoder.dense_stack
    if stack is not None and stack.widths[0] == encoder.width:
        yield AfterPooling(
            "pooler, dense",
            None,
            f"{meaning}, and the Dense layers follow",
            encoder.width,
            lambda x: stack.apply(pooler(x)),
            skips=("cls@-1",),
        )
