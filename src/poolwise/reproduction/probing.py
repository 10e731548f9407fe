"""Figures of SentEval's probing tasks: a linear probe, trained on tr, scored on te."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.presets import PublishedRow
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import LabelledTexts, open_labels

N_SENTENCES = {"train": 99_996, "test": 9_996}
"""Of the sentence lengths: six bins, equally many each."""


@dataclass(frozen=True, slots=True)
class ProbingTask:
    """The sentences to train and to test on. ``difference`` says how they differ from those that
    figures are of; empty if they do not."""

    sentences: LabelledTexts
    difference: str


def read_probing(folder: DataFolder, data: str) -> ProbingTask:
    """SentEval's file of sentence lengths.

    Raises StudyError where it is not there, TextError where it is not in its format.
    """
    path = folder.require("probing", f"{data.replace(' ', '_')}.txt")
    sentences = _without_dev(open_labels(str(path)))
    differences = [
        f"{list(sentences.splits).count(split):,} of {n:,} sentences to {split}"
        for split, n in N_SENTENCES.items()
        if list(sentences.splits).count(split) != n
    ]
    return ProbingTask(sentences, ", ".join(differences))


def measure_probing(
    model: Model, data: ProbingTask, row: PublishedRow, precision: Precision
) -> float:
    """Accuracy x 100 on the rows marked ``te``, features standardised."""
    task = LabelsTask(data.sentences, seed=0, score="accuracy", probe="discriminant")
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
