"""The study: read vectors, train decoders, ask for the sentences again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.errors import StudyError, needs
from poolwise.model import Model
from poolwise.provenance import with_date
from poolwise.readouts import Readout, parse
from poolwise.records import Finding, Precision
from poolwise.selection.grid import canonical_key
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.inversion.corpus import Corpus, divided, read

USUAL = ("mean@-1", "cls@-1", "mean@embeddings")
"""What the field reads, the summary it was told to read, and the words without their context."""


class Inversion:
    """How much of the sentence is in the vector: decoders learn to say it again.

    From each readout's vectors, frozen and standardised, a linear bag of words and a small
    autoregressive decoder learn the sentences of train in the encoder's own tokens; both are asked
    for the sentences of test. Controls: the most frequent tokens, a decoder without a vector,
    another sentence's vector, and the nearest sentence of train.

    ``readouts`` may have steps that learn nothing (``mean@-1|truncate(64)``); none means what the
    model declares, and the usual ones. With a ``folder``, trainings leave their state there and go
    on from it. Raises StudyError for other steps.
    """

    name = "recover"
    question = "How much of the sentence is in the vector?"

    def __init__(
        self,
        name: str,
        texts: Sequence[str],
        readouts: Sequence[Readout] = (),
        seed: int = 0,
        folder: Path | None = None,
    ) -> None:
        self.data, self.texts, self.readouts = name, texts, readouts
        self.seed, self.folder = seed, folder
        for readout in readouts:
            _check(readout)

    def run(
        self, model: Model, *, precision: Precision = "exact", progress: bool = False
    ) -> Iterator[Finding]:
        """One finding. Raises StudyError where the data cannot carry an answer, MissingExtraError
        without torch."""
        with needs("torch", "the recover study"):
            from poolwise.studies.inversion.experiment import DecoderExperiment  # noqa: PLC0415 - torch
            from poolwise.studies.inversion.finding import answer  # noqa: PLC0415 - torch
            from poolwise.studies.inversion.training import SETTINGS  # noqa: PLC0415 - torch

        sentences = read(model, self.texts, self.seed)
        asked = self.readouts or usual(model)
        cache = cache_vectors(model, sentences.texts, asked, precision=precision, progress=progress)
        rows = _usable(cache)
        corpus = divided(sentences, rows, self.seed)
        vectors = model.hash + model.provenance(precision)["precision"]
        bench = DecoderExperiment(corpus, self.seed, self.folder, vectors, SETTINGS)
        with single_blas_thread():
            contest = bench.hold(cache, rows, progress=progress)
            made = self._made(model, precision, corpus)
            found = answer(self.question, contest, model, self.seed, made)
        yield found

    def _made(self, model: Model, precision: Precision, corpus: Corpus) -> dict[str, Any]:
        train, dev, test = map(len, corpus.splits)
        facts = {
            "data": self.data,
            "data_sha256": sha256("\0".join(self.texts).encode()).hexdigest(),
            "rows": {"train": train, "dev": dev, "test": test},
            "seed": self.seed,
        }
        return with_date(model.provenance(precision) | facts)


def usual(model: Model) -> list[Readout]:
    """What the model declares, without its steps, and the usual ones."""
    declared = [model.declared.pooled] if model.declared is not None else []
    seen: dict[object, Readout] = {}
    for readout in [*declared, *map(parse, USUAL)]:
        seen.setdefault(canonical_key(readout, model), readout)
    return list(seen.values())


def _check(readout: Readout) -> None:
    for step in readout.steps:
        if step.facts.fitted or step.facts.final:
            raise StudyError(
                f"{readout}: a decoder reads vectors as they are pooled and standardises them "
                f"itself; {step} is no step that it can be asked after, leave it out"
            )


def _usable(cache: VectorCache) -> RowIndices:
    """Texts whose vectors are finite under every readout: those that have the token asked for."""
    finite = [np.isfinite(cache[readout]).all(axis=1) for readout in cache.readouts]
    return np.flatnonzero(np.all(finite, axis=0))
