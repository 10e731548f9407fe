"""The study: decoders trained to reconstruct sentences from frozen vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.errors import StudyError, needs
from poolwise.model import Model
from poolwise.readouts import Readout, parse
from poolwise.records import Finding
from poolwise.selection.grid import canonical_key
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.inversion.corpus import Corpus, split_corpus, tokenize_sentences
from poolwise.studies.study import Context
from poolwise.studies.unique_texts import TextData, unique_texts
from poolwise.texts import DataKind
from poolwise.transforms.fitted_readout import AnyReadout, FittedReadout

DEFAULT_READOUTS = ("mean@-1", "cls@-1", "mean@embeddings")
"""The field's two, and the static embeddings of the tokens."""


class Inversion:
    """How much of a sentence can be reconstructed from its vector.

    On each readout's vectors, frozen and standardised, a linear bag of words and a small
    autoregressive decoder are trained to predict the encoder's tokens of train's sentences, and
    evaluated on test. Controls: the most frequent tokens, a decoder without a vector, another
    sentence's vector, and the nearest sentence of train.

    ``readouts`` may have steps that are not fitted (``mean@-1|truncate(64)``); by default they are
    the declared one and ``DEFAULT_READOUTS``. Trainings keep checkpoints in ``folder``, if any, and
    resume from them. Raises StudyError for other steps.
    """

    name = "recover"
    question = "How much of the sentence is in the vector?"
    takes: Sequence[DataKind] = ("texts", "labels", "pairs")

    def __init__(
        self,
        data: TextData,
        readouts: Sequence[AnyReadout] = (),
        seed: int = 0,
        folder: Path | None = None,
    ) -> None:
        self.readouts = [FittedReadout.of(readout).readout for readout in readouts]
        for readout in self.readouts:
            _check(readout)
        self.data, self.texts = [data], unique_texts(data)
        self.seed, self.folder = seed, folder

    def run(self, context: Context) -> Iterator[Finding]:
        """One finding. Raises StudyError where the data cannot carry an answer, MissingExtraError
        without torch."""
        with needs("torch", "the recover study"):
            from poolwise.studies.inversion.experiment import DecoderExperiment  # noqa: PLC0415 - torch
            from poolwise.studies.inversion.finding import build_finding  # noqa: PLC0415 - torch
            from poolwise.studies.inversion.training import DEFAULT_OPTIONS  # noqa: PLC0415 - torch

        model, precision = context.model, context.precision
        sentences = tokenize_sentences(model, self.texts, self.seed)
        readouts = self.readouts or default_readouts(model)
        cache = cache_vectors(model, sentences.texts, readouts, **context.pass_options)
        rows = _usable(cache)
        corpus = split_corpus(sentences, rows, self.seed)
        vector_hash = model.hash + model.provenance(precision)["precision"]
        experiment = DecoderExperiment(corpus, self.seed, self.folder, vector_hash, DEFAULT_OPTIONS)
        with single_blas_thread():
            results = experiment.run(cache, rows, progress=context.progress)
            provenance = self._provenance(corpus)
            finding = build_finding(self.question, results, model, self.seed, provenance)
        yield finding

    def _provenance(self, corpus: Corpus) -> dict[str, Any]:
        train, dev, test = map(len, corpus.splits)
        return {
            "data": self.data[0].name,
            "data_sha256": sha256("\0".join(self.texts).encode()).hexdigest(),
            "rows": {"train": train, "dev": dev, "test": test},
            "seed": self.seed,
        }


def default_readouts(model: Model) -> list[Readout]:
    """The declared readout without its steps, and ``DEFAULT_READOUTS``."""
    declared = [model.declared.pooled] if model.declared is not None else []
    unique: dict[object, Readout] = {}
    for readout in [*declared, *map(parse, DEFAULT_READOUTS)]:
        unique.setdefault(canonical_key(readout, model), readout)
    return list(unique.values())


def _check(readout: Readout) -> None:
    for step in readout.steps:
        if step.facts.fitted or step.facts.final:
            raise StudyError(
                f"{readout}: a decoder reads vectors as they are pooled and standardises them "
                f"itself; {step} is no step that it can be asked after, leave it out"
            )


def _usable(cache: VectorCache) -> RowIndices:
    """Texts whose vectors are finite under every readout."""
    finite = [np.isfinite(cache[readout]).all(axis=1) for readout in cache.readouts]
    return np.flatnonzero(np.all(finite, axis=0))
