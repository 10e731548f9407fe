"""Predictions of a classifier as records, one a text."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolwise.classifier.classifier import OUTPUTS, Classifier
from poolwise.classifier.output_space import OutputSpace
from poolwise.records import Precision, VectorBatch
from poolwise.texts import Texts
from poolwise.texts.fields import SEPARATOR

Record = Mapping[str, Any]
"""``id``, ``text``, ``label``; ``probability`` of one label, and all ``probabilities`` by label.

``label`` is a list where a text has several, and a number of a regression, which has no
probabilities. All are None where the outputs are not finite.
"""

Write = Callable[[Sequence[Record]], None]


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """``counts`` of ``rows`` and of each flag of rows, and the time that all took."""

    counts: Mapping[str, int]
    seconds: float


def predict_records(
    classifier: Classifier,
    texts: Texts,
    write: Write,
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> PredictionSummary:
    """Predict all ``texts``; ``write`` is called with the records of each batch, in order."""
    counts: Counter[str] = Counter()
    started = time.monotonic()
    for batch in classifier.batches(texts, precision=precision, progress=progress):
        write(list(records(batch, classifier.output_space)))
        counts.update({"rows": len(batch)} | batch.flag_counts())
    return PredictionSummary(counts, time.monotonic() - started)


def prediction_provenance(
    classifier: Classifier, texts: Texts, precision: Precision
) -> dict[str, Any]:
    """Model, engine and precision, readout, the classifier's own provenance, and the texts."""
    return {
        **classifier.model.provenance(precision),
        "readout": str(classifier.readout),
        "tuned": dict(classifier.provenance),
        "texts": texts.name,
    }


def records(batch: VectorBatch, space: OutputSpace) -> Iterator[Record]:
    """A record of each text of a batch of ``Classifier.batches``."""
    outputs = batch.vectors[OUTPUTS]
    sentences = ({"id": row.id, "text": row.text} for row in batch.sentences)
    if space.kind == "regression":
        for row, (number,), lost in zip(sentences, outputs.tolist(), batch.nonfinite, strict=True):
            yield {**row, "label": None if lost else number}
        return
    shares, labels = space.probabilities(outputs).tolist(), space.predictions(outputs)
    for row, label, own in zip(sentences, labels, shares, strict=True):
        by_label = None if label is None else dict(zip(space.labels, own, strict=True))
        single = space.kind == "classification"
        probability = {"probability": by_label and by_label[label]} if single else {}
        yield {**row, "label": label, **probability, "probabilities": by_label}


def label_and_probability(record: Record) -> tuple[str, str]:
    """Both as text; several with ``;`` between them, "" where there is none."""
    label, shares = record["label"], record.get("probabilities") or {}
    if label is None:
        return "", ""
    if isinstance(label, float):
        return f"{label:.6g}", ""
    labels = [label] if isinstance(label, str) else label
    return SEPARATOR.join(labels), SEPARATOR.join(f"{shares[name]:.4f}" for name in labels)
