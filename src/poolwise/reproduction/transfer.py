"""Figures of SentEval's transfer tasks: logistic regression on frozen vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.presets import PublishedRow
from poolwise.reproduction.senteval_classifier import (
    Split,
    cross_validated_accuracy,
    nested_accuracy,
    validated_accuracy,
)
from poolwise.reproduction.transfer_tasks import Examples, TransferTask


def measure_transfer(
    model: Model, task: TransferTask, row: PublishedRow, precision: Precision
) -> float:
    """Accuracy x 100: of ten folds, or of the test split where the task has one."""
    classes = {label: i for i, label in enumerate(np.unique(task.splits["train"].labels))}
    splits = {
        name: Split(
            _features(model, examples, row, precision),
            np.array([classes.get(label, len(classes)) for label in examples.labels]),
        )
        for name, examples in task.splits.items()
    }
    if "test" not in splits:
        return 100 * nested_accuracy(splits["train"])
    if "dev" not in splits:
        return 100 * cross_validated_accuracy(splits["train"], splits["test"])
    return 100 * validated_accuracy(splits["train"], splits["dev"], splits["test"])


def _features(
    model: Model, examples: Examples, row: PublishedRow, precision: Precision
) -> NDArray[np.float32]:
    """The vectors [n, d] of single texts; of pairs |u - v| and u * v side by side, [n, 2d]."""
    texts = list(dict.fromkeys(text for side in examples.sides for text in side))
    vectors = model.embed(texts, row.readout, precision=precision)
    index = {text: i for i, text in enumerate(texts)}
    first, *second = (vectors[[index[text] for text in side]] for side in examples.sides)
    if not second:
        return np.asarray(first, np.float32)
    return np.hstack([np.abs(first - second[0]), first * second[0]]).astype(np.float32)
