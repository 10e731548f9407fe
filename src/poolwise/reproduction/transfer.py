"""A figure of SentEval's transfer tasks: logistic regression on frozen vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import EncodingError, StudyError
from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.presets import WHERE, Row
from poolwise.statistics.folds import assign_folds
from poolwise.statistics.logistic import logistic_probe
from poolwise.texts import LabelledTexts, open_labels

FOLDS = 10
BY_LABEL = {
    "MR": ("pos", "neg"),
    "CR": ("pos", "neg"),
    "MPQA": ("pos", "neg"),
    "SUBJ": ("objective", "subjective"),
}


def transfer(model: Model, where: Path, data: str, row: Row, precision: Precision) -> float:
    """Accuracy x 100: of ten folds, or of the test set where the task has one.

    Raises StudyError for a task that is not of single sentences.
    """
    if data not in (*BY_LABEL, "TREC"):
        raise StudyError(f"{data} is not read here: only single-sentence tasks of plain files are")
    train = _read(where, data)
    x, y = _vectors(model, train, row, precision), np.array(train.labels)
    if data != "TREC":
        return 100 * _folds(x, y)
    found = next(
        (p for name in WHERE["TREC test"] if (p := where.parent.parent / name).exists()), None
    )
    if found is None:
        raise StudyError(f"the test questions are not there ({WHERE['TREC test'][0]})")
    test = _read(found, data)
    predicted = logistic_probe(x, y, _vectors(model, test, row, precision)).predicted
    return 100 * float(np.mean(predicted == np.array(test.labels)))


def _read(where: Path, data: str) -> LabelledTexts:
    if data == "TREC":
        return open_labels(str(where), encoding="latin-1")
    sources = [f"{label}={where}.{label}" for label in BY_LABEL[data]]
    try:
        return open_labels(sources)
    except EncodingError:
        return open_labels(sources, encoding="latin-1")


def _vectors(
    model: Model, data: LabelledTexts, row: Row, precision: Precision
) -> NDArray[np.float64]:
    vectors = model.embed(list(data.texts), row.readout, precision=precision)
    return np.asarray(vectors, np.float64)


def _folds(x: NDArray[np.float64], y: NDArray[np.str_]) -> float:
    fold = assign_folds(np.arange(len(y)), FOLDS, seed=1111)
    hits = [
        logistic_probe(x[fold != i], y[fold != i], x[fold == i]).predicted == y[fold == i]
        for i in range(FOLDS)
    ]
    return float(np.mean(np.concatenate(hits)))
