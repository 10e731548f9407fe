"""Steps: what is done to a vector after pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepName = Literal[
    "l2", "center", "standardize", "whiten", "drop", "truncate", "dense", "int8", "binary"
]


@dataclass(frozen=True, slots=True)
class StepFacts:
    """``sized`` steps are written with a number; ``fitted`` ones learn from example vectors;
    ``final`` ones give integers, after which no other step can stand."""

    meaning: str
    sized: bool = False
    fitted: bool = False
    final: bool = False


STEPS: dict[StepName, StepFacts] = {
    "l2": StepFacts("divide by the Euclidean norm"),
    "center": StepFacts("subtract the mean", fitted=True),
    "standardize": StepFacts("subtract the mean, divide by the standard deviation", fitted=True),
    "whiten": StepFacts("k principal components, each of variance 1", sized=True, fitted=True),
    "drop": StepFacts("without the top k principal directions", sized=True, fitted=True),
    "truncate": StepFacts("the first k dimensions", sized=True),
    "dense": StepFacts("the folder's own layers after pooling, as sentence-transformers' Dense"),
    "int8": StepFacts("a byte a dimension, over the range fitted on", fitted=True, final=True),
    "binary": StepFacts("a bit a dimension: is it above zero?", final=True),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``size`` is the k of ``whiten(k)``, ``drop(k)`` and ``truncate(k)``."""

    name: StepName
    size: int | None = None

    def __str__(self) -> str:
        return self.name if self.size is None else f"{self.name}({self.size})"

    @property
    def facts(self) -> StepFacts:
        return STEPS[self.name]

    def width(self, width: int, dense: int | None = None) -> int:
        """Values that come out when ``width`` dimensions go in (for ``binary``, bytes).

        ``dense`` is what comes out of the model's own layers, if it has such.
        """
        match self.name:
            case "binary":
                return (width + 7) // 8
            case "whiten" | "truncate":
                return self.size or width
            case "dense":
                return dense or width
            case _:
                return width
