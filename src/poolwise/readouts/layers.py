"""Layers: which hidden states a readout reads, and how several become one.

Numbers are Hugging Face's: 0 is the embedding output, k the output of block k, -1 the last.
An encoder of ``depth`` blocks has the hidden states 0..depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poolwise.errors import ReadoutError

Combine = Literal["single", "avg", "sum", "concat", "weights"]

COMBINES: dict[Combine, str] = {
    "avg": "the mean of the layers",
    "sum": "the sum of the layers",
    "concat": "the layers side by side",
    "weights": "the weighted sum of the layers, weights as written",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One hidden state, counted from the embeddings (0) or from the last (-1).

    ``named`` keeps that ``embeddings`` was written, not ``0``.
    """

    index: int
    named: bool = False

    def __str__(self) -> str:
        return "embeddings" if self.named else str(self.index)

    def resolve(self, depth: int, spec: str, at: int) -> range:
        """The hidden state from 0..depth, a range of one.

        Raises ReadoutError, showing place ``at`` of ``spec``, if there is no such state.
        """
        index = self.index if self.index >= 0 else depth + 1 + self.index
        if not 0 <= index <= depth:
            message = f"no hidden state {self}: this encoder has hidden states 0..{depth}"
            raise ReadoutError(message, spec, at)
        return range(index, index + 1)


@dataclass(frozen=True, slots=True)
class Span:
    """The hidden states from ``first`` to ``last``, both included."""

    first: Layer
    last: Layer

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"

    def resolve(self, depth: int, spec: str, at: int) -> range:
        """The hidden states in order. Raises ReadoutError if an end is missing or none is left."""
        first = self.first.resolve(depth, spec, at)
        last = self.last.resolve(depth, spec, at + len(f"{self.first}:"))
        if first.start > last.start:
            message = (
                f"the range {self} is empty: in this encoder, of hidden states 0..{depth}, "
                f"it runs from {first.start} to {last.start}"
            )
            raise ReadoutError(message, spec, at)
        return range(first.start, last.stop)


@dataclass(frozen=True, slots=True)
class LayerExpr:
    """A layer, or several with the way to combine them.

    ``weights`` is filled for ``combine="weights"`` only: one weight for each item or, where
    there are no items, one for each hidden state.
    """

    combine: Combine
    items: tuple[Layer | Span, ...]
    weights: tuple[float, ...] = ()

    def __str__(self) -> str:
        inside = ",".join(self._texts())
        return inside if self.combine == "single" else f"{self.combine}({inside})"

    def resolve(self, depth: int, within: str | None = None, start: int = 0) -> tuple[int, ...]:
        """The hidden states from 0..depth, in the order written.

        An error shows the place in ``within``, where this expression begins at ``start``;
        without it, in the expression alone.

        Raises ReadoutError if the encoder lacks a state, or weights do not number depth + 1.
        """
        spec = str(self) if within is None else within
        at = start if self.combine == "single" else start + len(f"{self.combine}(")
        if not self.items:
            return self._every_state(depth, spec, at)
        indices: list[int] = []
        for item, text in zip(self.items, self._texts(), strict=True):
            indices.extend(item.resolve(depth, spec, at))
            at += len(f"{text},")
        return tuple(indices)

    def coefficients(self, depth: int) -> tuple[float, ...]:
        """The factor of each state of ``resolve(depth)`` in their sum.

        Raises ReadoutError for ``concat``, which is no sum, and as ``resolve`` does.
        """
        states = len(self.resolve(depth))
        match self.combine:
            case "weights":
                return self.weights
            case "avg":
                return (1 / states,) * states
            case "single" | "sum":
                return (1.0,) * states
            case "concat":
                raise ReadoutError(f"{self} puts layers side by side: it has no coefficients")

    def _texts(self) -> list[str]:
        items = [str(item) for item in self.items]
        weights = [repr(weight).removesuffix(".0") for weight in self.weights]
        if not (items and weights):
            return items or weights
        return [f"{item}={weight}" for item, weight in zip(items, weights, strict=True)]

    def _every_state(self, depth: int, spec: str, at: int) -> tuple[int, ...]:
        if len(self.weights) != depth + 1:
            message = (
                f"{len(self.weights)} weights for {depth + 1} hidden states (0..{depth}): "
                "write one for each, embeddings first, or name layers, as in weights(1=0.5,-1=0.5)"
            )
            raise ReadoutError(message, spec, at)
        return tuple(range(depth + 1))
