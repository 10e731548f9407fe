"""Figures of SentEval's probing tasks: a linear probe, trained on tr, scored on te."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.presets import PublishedRow
from poolwise.selection.tasks import LabelsTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import open_labels


def measure_probing(
    model: Model, path: Path, data: str, row: PublishedRow, precision: Precision
) -> float:
    """Accuracy x 100 on the rows marked ``te``, features standardised."""
    del data  # every data set of this kind is in the same format
    task = LabelsTask(open_labels(str(path)), seed=0)
    readout = parse(f"{row.readout}|standardize")
    cache = cache_vectors(model, task.texts, [readout.pooled], precision=precision)
    hits = task.row_scores(cache, cache[str(readout.pooled)], readout)
    return 100 * float(np.mean(hits[task.splits.test]))
