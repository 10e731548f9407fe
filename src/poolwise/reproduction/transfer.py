"""Figures of SentEval's transfer tasks: logistic regression on frozen vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import EncodingError, StudyError
from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DATA_PATHS
from poolwise.reproduction.presets import PublishedRow
from poolwise.statistics.folds import assign_folds
from poolwise.statistics.logistic import logistic_probe
from poolwise.texts import LabelledTexts, open_labels

FOLDS = 10
LABELS = {
    "MR": ("pos", "neg"),
    "CR": ("pos", "neg"),
    "MPQA": ("pos", "neg"),
    "SUBJ": ("objective", "subjective"),
}


def measure_transfer(
    model: Model, path: Path, data: str, row: PublishedRow, precision: Precision
) -> float:
    """Accuracy x 100: of ten folds, or of the test set where the task has one.

    Raises StudyError for a task that is not of single sentences.
    """
    if data not in (*LABELS, "TREC"):
        raise StudyError(f"{data} is not read here: only single-sentence tasks of plain files are")
    train = _load(path, data)
    x, y = _vectors(model, train, row, precision), np.array(train.labels)
    if data != "TREC":
        return 100 * _cross_validated(x, y)
    test_path = next(
        (p for name in DATA_PATHS["TREC test"] if (p := path.parent.parent / name).exists()), None
    )
    if test_path is None:
        raise StudyError(f"the test questions are not there ({DATA_PATHS['TREC test'][0]})")
    test = _load(test_path, data)
    predicted = logistic_probe(x, y, _vectors(model, test, row, precision)).predicted
    return 100 * float(np.mean(predicted == np.array(test.labels)))


def _load(path: Path, data: str) -> LabelledTexts:
    if data == "TREC":
        return open_labels(str(path), encoding="latin-1")
    sources = [f"{label}={path}.{label}" for label in LABELS[data]]
    try:
        return open_labels(sources)
    except EncodingError:
        return open_labels(sources, encoding="latin-1")


def _vectors(
    model: Model, data: LabelledTexts, row: PublishedRow, precision: Precision
) -> NDArray[np.float64]:
    vectors = model.embed(list(data.texts), row.readout, precision=precision)
    return np.asarray(vectors, np.float64)


def _cross_validated(x: NDArray[np.float64], y: NDArray[np.str_]) -> float:
    fold = assign_folds(np.arange(len(y)), FOLDS, seed=1111)
    hits = [
        logistic_probe(x[fold != i], y[fold != i], x[fold == i]).predicted == y[fold == i]
        for i in range(FOLDS)
    ]
    return float(np.mean(np.concatenate(hits)))
