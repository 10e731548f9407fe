"""The outputs of a classifier: one a label, or the number of a regression."""

from __future__ import annotations

from dataclasses import dataclass

from poolwise.texts.label_columns import LabelKind


@dataclass(frozen=True, slots=True)
class OutputSpace:
    """``kind`` and ``labels`` of a linear layer's outputs: one output a label, one of regression.

    ``labels`` are in the order of the outputs; empty for a regression.
    """

    kind: LabelKind
    labels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of outputs."""
        return 1 if self.kind == "regression" else len(self.labels)
