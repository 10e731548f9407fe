"""What the length study keeps of the texts as they pass, and what it finds in that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from poolwise.errors import StudyError
from poolwise.readouts import Readout, parse
from poolwise.records import Finding, Sentence, VectorBatch
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.length.charts import charts
from poolwise.studies.length.layers import Layer, layers_of
from poolwise.studies.length.measures import FEWEST, measure
from poolwise.studies.length.numbers import numbers
from poolwise.studies.length.random_words import RANDOM_WORDS, RandomWords
from poolwise.studies.length.sample import FOLDS, Sample
from poolwise.studies.length.verdict import evidence, notes, verdict

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

NAME = "length"
QUESTION = "Does the norm of [CLS] encode the sentence's length?"


class LengthAccumulator:
    """Sums over batches: ``readouts`` first, ``consume`` for each batch of the user's texts, then
    for each batch of ``control_texts``, ``finding`` last."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._random_words = RandomWords(seed)
        self._layers: Sequence[Layer] = ()
        self._samples: dict[str, Sample] = {}

    def readouts(self, encoder: Encoder) -> Sequence[Readout]:
        """``cls@k`` and ``mean@k`` for every layer."""
        self._layers = layers_of(encoder)
        names = [name for layer in self._layers for name in layer.readouts]
        self._samples = {
            "": Sample(self._layers, names, self.seed),
            RANDOM_WORDS: Sample(self._layers, self._layers[-1].readouts, self.seed),
        }
        return [parse(name) for name in names]

    def consume(self, batch: VectorBatch) -> None:
        """Take in a batch of texts or of control texts (``Sentence.group``): numbers by row and
        moments, no vectors."""
        groups = np.array([sentence.group for sentence in batch.sentences])
        with single_blas_thread():
            for group, sample in self._samples.items():
                used = sample.add(batch, np.flatnonzero(groups == group))
                if not group:
                    self._random_words.see([batch.sentences[i].text for i in used])

    def control_texts(self) -> Iterator[Sentence]:
        """Texts of random words, as long as the consumed sentences."""
        return self._random_words.texts()

    def finding(self) -> Finding:
        """What the consumed batches show. Raises StudyError below 30 sentences, or when all are of
        one length."""
        sample = self._samples[""]
        _check(sample)
        real = measure(sample, self.seed)
        control = self._samples[RANDOM_WORDS]
        random_words = measure(control, self.seed) if _varies(control) else None
        return Finding(
            study=NAME,
            question=QUESTION,
            verdict=verdict(self._layers, real),
            evidence=evidence(self._layers, real),
            numbers=numbers(self._layers, real, random_words),
            charts=charts(self._layers, sample, real, random_words),
            notes=notes(self._layers, real, random_words, sample),
            provenance={"seed": self.seed, "sentences measured": sample.n, "folds": FOLDS},
        )


def _varies(sample: Sample) -> bool:
    return sample.different >= FEWEST and bool(np.ptp(sample.targets[:, 0]) > 0)


def _check(sample: Sample) -> None:
    if sample.different < FEWEST:
        counts = [f"{count} {why}" for why, count in sample.left_out.items() if count]
        why = f" (left out: {', '.join(counts)})" if counts else ""
        raise StudyError(
            f"{sample.different} usable sentences{why}; the norm can be held against length from "
            f"{FEWEST} on, and some thousands make the intervals narrow: give more text"
        )
    if not _varies(sample):
        tokens = int(sample.targets[0, 0])
        raise StudyError(
            f"all {sample.n} sentences are of one length, {tokens} tokens without special tokens; "
            "whether the norm encodes length shows only where lengths differ"
        )
