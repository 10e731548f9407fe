"""The outputs of a classifier: one a label, or the number of a regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.records import Bools, Floats
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
        """The number of outputs, k."""
        return 1 if self.kind == "regression" else len(self.labels)

    def predictions(self, outputs: Floats) -> list[Any] | NDArray[np.float32]:
        """From outputs [n, k], each text's label, or list of labels; of regression, numbers [n].

        Where the outputs are not finite: None, or as they are in a regression.
        """
        if self.kind == "regression":
            return outputs[:, 0]
        finite = finite_rows(outputs).tolist()
        if self.kind == "classification":
            best = outputs.argmax(axis=1).tolist()
            return [self.labels[i] if ok else None for i, ok in zip(best, finite, strict=True)]
        return [
            [self.labels[i] for i in np.flatnonzero(row > 0)] if ok else None
            for row, ok in zip(outputs, finite, strict=True)
        ]

    def probabilities(self, outputs: Floats) -> Floats:
        """From outputs [n, k], float32 [n, k]: softmax over classes, or a sigmoid of each label.

        Raises StudyError for a regression.
        """
        from scipy.special import expit, softmax  # noqa: PLC0415 - slow to import

        if self.kind == "regression":
            raise StudyError("a regression tells a number, which has no probability; use predict")
        logits = outputs.astype(np.float64)
        shares = softmax(logits, axis=1) if self.kind == "classification" else expit(logits)
        return np.asarray(shares, np.float32)


def finite_rows(outputs: Floats) -> Bools:
    """Which rows [n] of outputs [n, k] are all finite."""
    return np.asarray(np.isfinite(outputs).all(axis=1))
