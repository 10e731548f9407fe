"""Questions with a pass of their own: they read more texts than a shelf holds, or single tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Finding, Precision
from poolwise.studies.attention import Attention
from poolwise.studies.average import Average
from poolwise.studies.data_notes import as_read
from poolwise.studies.inversion import Inversion
from poolwise.studies.length import LengthStudy
from poolwise.studies.runner import run
from poolwise.studies.tagging import Tagging
from poolwise.studies.tagging.study import HeadName
from poolwise.texts import Dataset, Datasets


@dataclass(frozen=True, slots=True)
class How:
    """``heads`` are the tagger's. ``readouts`` are those to recover sentences from, by default
    some that teach something; ``folder`` keeps the state of that training, so that it resumes."""

    seed: int = 0
    precision: Precision = "exact"
    progress: bool = False
    heads: Sequence[HeadName] = ("linear", "bilstm")
    readouts: Sequence[Readout] = ()
    folder: Path | None = None

    @property
    def passing(self) -> dict[str, Any]:
        """How a pass runs."""
        return {"precision": self.precision, "progress": self.progress}


def _length(model: Model, material: Datasets, how: How) -> Iterator[Finding]:
    for texts in material.texts:
        for found in run(model, texts, [LengthStudy(seed=how.seed)], **how.passing):
            yield as_read(found, [texts])


def _tagging(model: Model, material: Datasets, how: How) -> Iterator[Finding]:
    for data in material.tags:
        study = Tagging(data, seed=how.seed, heads=how.heads)
        for found in study.run(model, **how.passing):
            yield as_read(found, [data])


def _average(model: Model, material: Datasets, how: How) -> Iterator[Finding]:
    for data, texts in _sentences(material):
        for found in Average(data.name, texts, how.seed).run(model, **how.passing):
            yield as_read(found, [data])


def _attention(model: Model, material: Datasets, how: How) -> Iterator[Finding]:
    for data, texts in _sentences(material):
        for found in Attention(data.name, texts, how.seed).run(model, **how.passing):
            yield as_read(found, [data])


def _recover(model: Model, material: Datasets, how: How) -> Iterator[Finding]:
    for data, texts in _sentences(material):
        study = Inversion(data.name, texts, how.readouts, how.seed, how.folder)
        for found in study.run(model, **how.passing):
            yield as_read(found, [data])


ALONE: Mapping[str, Callable[[Model, Datasets, How], Iterator[Finding]]] = {
    "length": _length,
    "tagging": _tagging,
    "average": _average,
    "attention": _attention,
    "recover": _recover,
}
"""What can be asked, and how it is answered, each finding as soon as it is there."""


def _sentences(material: Datasets) -> Iterator[tuple[Dataset, Sequence[str]]]:
    """Each set of data as plain texts, whatever else it holds."""
    for some in material.texts:
        yield some, _unique(some.name, [sentence.text for sentence in some])
    for labelled in material.labels:
        yield labelled, _unique(labelled.name, labelled.texts)
    for pairs in material.pairs:
        yield pairs, _unique(pairs.name, [*pairs.first, *pairs.second])


def _unique(name: str, texts: Sequence[str]) -> Sequence[str]:
    found = [text for text in dict.fromkeys(texts) if text.strip()]
    if not found:
        raise StudyError(f"{name} holds no text, so there is nothing to measure")
    return found
