"""Decoders and controls for every readout: trained on train, evaluated on the sentences of test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from poolwise.progress import Progress
from poolwise.readouts import parse_steps
from poolwise.records import Floats
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.bleu import ngram_counts, token_f1
from poolwise.statistics.estimate import Estimate
from poolwise.studies.inversion.bag import fit_bag, most_frequent_tokens
from poolwise.studies.inversion.checkpoint import TrainingCheckpoint
from poolwise.studies.inversion.corpus import Corpus
from poolwise.studies.inversion.scores import Hypotheses, System, SystemScores, perplexity
from poolwise.studies.inversion.training import (
    DecoderOptions,
    DecoderTraining,
    exposures,
    train_decoder,
)
from poolwise.transforms import fit

FREQUENT = System("the most frequent tokens", control=True, ordered=False)
UNCONDITIONAL = System("the decoder without a vector", control=True)

FORMAT = 2
"""Of the checkpoints; a change of it trains anew."""


@dataclass(frozen=True, slots=True)
class ReadoutSystems:
    """The decoders and controls of one readout."""

    decoder: System
    bag: System
    nearest: System
    shuffled: System
    shuffled_bag: System

    @classmethod
    def of(cls, readout: str) -> ReadoutSystems:
        return cls(
            System("decoder", readout),
            System("bag of words", readout, ordered=False),
            System("the nearest training sentence", readout, control=True),
            System("another sentence's vector", readout, control=True),
            System("another sentence's vector, bag", readout, control=True, ordered=False),
        )

    @property
    def controls(self) -> Sequence[System]:
        """The decoder's controls."""
        return (FREQUENT, UNCONDITIONAL, self.shuffled, self.nearest)

    @property
    def bag_controls(self) -> Sequence[System]:
        """The bag's controls."""
        return (FREQUENT, self.shuffled_bag)


@dataclass(frozen=True, slots=True)
class InversionResults:
    """Each system's ``hypotheses`` for the sentences of test, in the encoder's ids, and their
    ``scores``; ``systems`` and ``dev_f1``, the decoder's token F1 on dev, are by readout.
    ``perplexities`` are on test, per token, the end of a sentence counted as one."""

    corpus: Corpus
    systems: Mapping[str, ReadoutSystems]
    hypotheses: Mapping[System, Hypotheses]
    scores: SystemScores
    perplexities: Mapping[System, Estimate]
    dev_f1: Mapping[str, float]

    @property
    def best_readout(self) -> str:
        """The readout of the highest token F1 on dev."""
        return max(self.dev_f1, key=lambda readout: self.dev_f1[readout])


@dataclass(frozen=True)
class DecoderExperiment:
    """Trains and evaluates every decoder. Checkpoints of trainings are in ``folder``, named by a
    hash of everything that they depend on; ``vector_hash`` stands for what computes the vectors."""

    corpus: Corpus
    seed: int
    folder: Path | None
    vector_hash: str
    options: DecoderOptions

    def run(
        self, cache: VectorCache, rows: RowIndices, *, progress: bool = False
    ) -> InversionResults:
        """The results for the cached readouts; ``rows`` of the cache are the corpus' sentences."""
        corpus, test = self.corpus, self.corpus.splits.test
        trainings = 1 + len(cache.readouts)
        total = trainings * exposures(corpus, self.options)
        systems = {readout: ReadoutSystems.of(readout) for readout in cache.readouts}
        hypotheses: dict[System, Hypotheses] = {
            FREQUENT: [most_frequent_tokens(corpus)] * len(test)
        }
        losses, dev_f1 = {}, {}
        with Progress("decoders: sentences read", total, show=progress) as bar:
            unconditional = self._train("", np.zeros((len(corpus), 1), np.float32), bar)
            hypotheses[UNCONDITIONAL] = unconditional.predict(test[:1]) * len(test)
            losses[UNCONDITIONAL] = unconditional.losses(test)
            for readout, own in systems.items():
                vectors = self._standardised(cache[readout][rows])
                training = self._train(readout, vectors, bar)
                hypotheses |= self._hypotheses(own, training, vectors)
                losses[own.decoder] = training.losses(test)
                losses[own.shuffled] = training.losses(test, self._shuffled_test)
                dev_f1[readout] = self._dev_f1(training)
        tokens = corpus.lengths[test] + 1
        perplexities = {
            system: perplexity(loss, tokens, self.seed) for system, loss in losses.items()
        }
        scores = SystemScores.of(hypotheses, corpus.references(test), self.seed)
        return InversionResults(corpus, systems, hypotheses, scores, perplexities, dev_f1)

    def _train(self, readout: str, vectors: Floats, bar: Progress) -> DecoderTraining:
        return train_decoder(
            vectors,
            self.corpus,
            self.options,
            seed=self.seed,
            checkpoint=TrainingCheckpoint(self._path(readout)),
            progress=bar,
        )

    def _hypotheses(
        self, systems: ReadoutSystems, training: DecoderTraining, vectors: Floats
    ) -> dict[System, Hypotheses]:
        test, shuffled = self.corpus.splits.test, self._shuffled_test
        bag = fit_bag(vectors, self.corpus)
        return {
            systems.decoder: training.predict(test),
            systems.bag: bag.predict(vectors[test]),
            systems.nearest: self.corpus.references(self._nearest(vectors)),
            systems.shuffled: training.predict(shuffled),
            systems.shuffled_bag: bag.predict(vectors[shuffled]),
        }

    def _dev_f1(self, training: DecoderTraining) -> float:
        dev = self.corpus.splits.dev
        counts = ngram_counts(training.predict(dev), self.corpus.references(dev))
        return float(token_f1(counts).mean())

    def _standardised(self, vectors: Floats) -> Floats:
        """The vectors by the mean and deviation of train."""
        step = fit(parse_steps("standardize"), vectors[self.corpus.splits.train])
        standardised: Floats = step.apply(vectors)
        return standardised

    def _nearest(self, vectors: Floats) -> RowIndices:
        """For each sentence of test the sentence of train of the highest cosine."""
        train, _, test = self.corpus.splits
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / np.where(norms > 0, norms, 1)
        nearest: RowIndices = train[(unit[test] @ unit[train].T).argmax(axis=1)]
        return nearest

    @property
    def _shuffled_test(self) -> RowIndices:
        """For each sentence of test a different sentence of test."""
        test = self.corpus.splits.test
        order = np.random.default_rng(self.seed).permutation(len(test))
        shuffled = np.empty_like(test)
        shuffled[order] = test[np.roll(order, 1)]
        return shuffled

    def _path(self, readout: str) -> Path | None:
        if self.folder is None:
            return None
        options = asdict(self.options)
        key = [FORMAT, self.vector_hash, readout, self.corpus.hash, self.seed, options]
        return self.folder / f"recover-{sha256(json.dumps(key).encode()).hexdigest()[:16]}.pt"
