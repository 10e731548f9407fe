"""The readout: how a sentence vector is read from an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from poolwise.errors import ReadoutError
from poolwise.readouts.layers import LayerExpr
from poolwise.readouts.pools import Pool
from poolwise.readouts.steps import Step


@dataclass(frozen=True, slots=True)
class Readout:
    """Which tokens (``pool``), which ``layers`` (None for the pooler only), which ``steps`` after.

    ``str`` gives the canonical text, from which ``parse`` makes an equal readout. ``parse``
    checks the rules; a readout put together by hand is taken as it is.
    """

    pool: Pool
    layers: LayerExpr | None = None
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        source = str(self.pool) if self.layers is None else f"{self.pool}@{self.layers}"
        return "|".join([source, *map(str, self.steps)])

    @property
    def pooled(self) -> Readout:
        """The same readout without its steps."""
        return replace(self, steps=())

    @property
    def needs_fit(self) -> bool:
        """Whether some step learns from example vectors."""
        return any(step.facts.fitted for step in self.steps)

    def layer_indices(self, depth: int) -> tuple[int, ...]:
        """The hidden states read, from 0..depth, in the order written; the pooler reads the last.

        Raises ReadoutError, with the place, if an encoder of ``depth`` blocks lacks one.
        """
        if self.layers is None:
            return (depth,)
        return self.layers.resolve(depth, within=str(self), start=len(f"{self.pool}@"))

    @property
    def has_dense(self) -> bool:
        """Whether the model's own layers after pooling are among the steps."""
        return any(step.name == "dense" for step in self.steps)

    def width(self, hidden_size: int, depth: int, dense: tuple[int, int] | None = None) -> int:
        """Values in one vector (for ``binary``, bytes).

        ``dense`` says what the model's own layers after pooling take and give, if it has such.
        Raises ReadoutError, with the place, if a step asks for more dimensions than it is given,
        or for layers that the model does not have.
        """
        width = self.pool.width(hidden_size)
        if self.layers is not None and self.layers.combine == "concat":
            width *= len(self.layer_indices(depth))
        return steps_width(self.steps, width, str(self), dense)


def steps_width(
    steps: Sequence[Step], width: int, spec: str, dense: tuple[int, int] | None = None
) -> int:
    """Values that come out of ``steps``, the end of ``spec``, when ``width`` dimensions go in."""
    for i, step in enumerate(steps):
        if problem := _misfit(step, width, dense):
            raise ReadoutError(problem, spec, step_place(steps, i, spec))
        width = step.width(width, dense and dense[1])
    return width


def _misfit(step: Step, width: int, dense: tuple[int, int] | None) -> str:
    """Why vectors of ``width`` dimensions cannot go through ``step``; empty if they can."""
    if step.size is not None and step.size > width:
        return f"{step} asks for more dimensions than the {width} there are"
    if step.name != "dense":
        return ""
    if dense is None:
        return "dense is a model's own layers after pooling, and this model has none"
    if dense[0] != width:
        return f"this model's dense takes {dense[0]} dimensions, not {width}"
    return ""


def step_place(steps: Sequence[Step], i: int, spec: str) -> int:
    """Where step ``i`` begins in ``spec``, a canonical text that ends in all the ``steps``."""
    return len(spec) - len("|".join(map(str, steps[i:])))
