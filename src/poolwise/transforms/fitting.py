"""One step: what it learns, the shape of that, and how it is applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.errors import ReadoutError
from poolwise.readouts import Step, StepName
from poolwise.transforms import linear, quantization
from poolwise.transforms.linear import Doubles

State = Mapping[str, Doubles]
"""What a step has learned, by name; empty for a step that learns nothing."""


def fit_step(step: Step, x: Doubles, spec: str, at: int) -> State:
    """What ``step`` learns from x [n, d], n >= 2, all finite.

    whiten: Su et al. 2021, "Whitening Sentence Representations for Better Semantics and Faster
    Retrieval". drop: Mu & Viswanath 2018, "All-but-the-Top".

    Raises ReadoutError, showing place ``at`` of ``spec``, if x lacks the directions asked for.
    """
    match step.name:
        case "center":
            return {"mean": x.mean(axis=0)}
        case "standardize":
            return {"mean": x.mean(axis=0), "scale": linear.inverse_deviations(x)}
        case "int8":
            return {"ranges": quantization.ranges(x)}
        case "l2" | "truncate" | "binary" | "dense":
            return {}
    variances, directions = linear.principal(x)
    if step.size is None or len(variances) < step.size:
        message = (
            f"{step} needs more directions than the vectors it is fitted on have: {len(x)} "
            f"vectors of {x.shape[1]} dimensions differ in {len(variances)} directions"
        )
        raise ReadoutError(message, spec, at)
    directions, deviations = directions[:, : step.size], np.sqrt(variances[: step.size])
    if step.name == "whiten":
        directions = directions / deviations
    return {"mean": x.mean(axis=0), "directions": directions}


def state_shapes(step: Step, width: int) -> dict[str, tuple[int, ...]]:
    """The names and shapes of what ``step`` learns from vectors of ``width`` dimensions."""
    match step.name:
        case "center":
            return {"mean": (width,)}
        case "standardize":
            return {"mean": (width,), "scale": (width,)}
        case "int8":
            return {"ranges": (2, width)}
        case "whiten" | "drop":
            return {"mean": (width,), "directions": (width, step.size or 0)}
        case _:
            return {}


_APPLY: dict[StepName, Callable[[Doubles, State, int | None], NDArray[Any]]] = {
    "l2": lambda x, state, k: linear.l2(x),
    "center": lambda x, state, k: x - state["mean"],
    "standardize": lambda x, state, k: (x - state["mean"]) * state["scale"],
    "whiten": lambda x, state, k: (x - state["mean"]) @ state["directions"],
    "drop": lambda x, state, k: linear.without(x - state["mean"], state["directions"]),
    "truncate": lambda x, state, k: x[:, :k],
    "int8": lambda x, state, k: quantization.int8(x, state["ranges"]),
    "binary": lambda x, state, k: quantization.binary(x),
}


def apply_step(
    step: Step, state: State, x: Doubles, dense_stack: DenseStack | None = None
) -> NDArray[Any]:
    """x [n, d], all finite, after ``step``: float64, or int8 after int8 and binary.

    ``dense_stack`` is what ``dense`` applies.
    """
    if step.name == "dense":
        assert dense_stack is not None
        return dense_stack.apply(x)
    return _APPLY[step.name](x, state, step.size)
