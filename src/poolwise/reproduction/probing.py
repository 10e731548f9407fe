"""Figures of SentEval's probing tasks: a linear probe, trained on tr, scored on te."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.presets import PublishedRow
from poolwise.selection.labels_task import LabelsTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import LabelledTexts, open_labels


def measure_probing(
    model: Model, path: Path, data: str, row: PublishedRow, precision: Precision
) -> float:
    """Accuracy x 100 on the rows marked ``te``, features standardised."""
    del data  # every data set of this kind is in the same format
    rows = _without_dev(open_labels(str(path)))
    task = LabelsTask(rows, seed=0, score="accuracy", probe="discriminant")
    readout = parse(f"{row.readout}|standardize")
    cache = cache_vectors(model, task.texts, [readout.pooled], precision=precision)
    hits = task.row_scores(cache, cache[str(readout.pooled)], readout)
    return 100 * float(np.mean(hits[task.folds.report_rows]))


def _without_dev(data: LabelledTexts) -> LabelledTexts:
    kept = [i for i, split in enumerate(data.splits) if split != "dev"]
    return replace(
        data,
        texts=[data.texts[i] for i in kept],
        labels=[data.labels[i] for i in kept],
        splits=[data.splits[i] for i in kept],
    )
