"""Every readout's decoders and their controls, asked for the same sentences."""

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
from poolwise.studies.inversion.bag import learn_bag, most_frequent
from poolwise.studies.inversion.checkpoint import TrainingCheckpoint
from poolwise.studies.inversion.corpus import Corpus
from poolwise.studies.inversion.scores import Hypotheses, System, SystemScores, perplexity
from poolwise.studies.inversion.training import DecoderOptions, DecoderTraining, exposures, train
from poolwise.transforms import fit

FREQUENT = System("the most frequent tokens", control=True, ordered=False)
WITHOUT = System("the decoder without a vector", control=True)

FORMAT = 1
"""Of what is written while training; another number trains anew."""


@dataclass(frozen=True, slots=True)
class ReadoutSystems:
    """What takes part for one readout."""

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
        """What the decoder must beat."""
        return (FREQUENT, WITHOUT, self.shuffled, self.nearest)

    @property
    def bag_controls(self) -> Sequence[System]:
        """What the bag must beat."""
        return (FREQUENT, self.shuffled_bag)


@dataclass(frozen=True, slots=True)
class DecoderScores:
    """``answers`` to the sentences of test in the encoder's ids, and their scores; ``dev`` is each
    readout's token F1 there, ``perplexities`` are on test, for a token or the end."""

    corpus: Corpus
    entries: Mapping[str, ReadoutSystems]
    answers: Mapping[System, Hypotheses]
    scores: SystemScores
    perplexities: Mapping[System, Estimate]
    dev: Mapping[str, float]

    @property
    def chosen(self) -> str:
        """The readout of the highest token F1 on dev."""
        return max(self.dev, key=lambda readout: self.dev[readout])


@dataclass(frozen=True)
class DecoderExperiment:
    """What every decoder is trained and asked with. States of trainings lie in ``folder``, under a
    name that says all that they depend on: ``model`` is the hash of what makes the vectors."""

    corpus: Corpus
    seed: int
    folder: Path | None
    model: str
    settings: DecoderOptions

    def hold(
        self, cache: VectorCache, rows: RowIndices, *, progress: bool = False
    ) -> DecoderScores:
        """The contest of the shelf's readouts; ``rows`` are those of the corpus' sentences."""
        corpus, test = self.corpus, self.corpus.splits.test
        trainings = 1 + len(cache.readouts)
        total = trainings * exposures(corpus, self.settings)
        entries = {readout: ReadoutSystems.of(readout) for readout in cache.readouts}
        answers: dict[System, Hypotheses] = {FREQUENT: [most_frequent(corpus)] * len(test)}
        losses, dev = {}, {}
        with Progress("decoders: sentences read", total, show=progress) as bar:
            without = self._train("", np.zeros((len(corpus), 1), np.float32), bar)
            answers[WITHOUT] = without.answers(test[:1]) * len(test)
            losses[WITHOUT] = without.losses(test)
            for readout, entry in entries.items():
                vectors = self._standardised(cache[readout][rows])
                training = self._train(readout, vectors, bar)
                answers |= self._answers(entry, training, vectors)
                losses[entry.decoder] = training.losses(test)
                losses[entry.shuffled] = training.losses(test, self._others)
                dev[readout] = self._f1_on_dev(training)
        tokens = corpus.lengths[test] + 1
        found = {who: perplexity(own, tokens, self.seed) for who, own in losses.items()}
        scores = SystemScores.of(answers, corpus.references(test), self.seed)
        return DecoderScores(corpus, entries, answers, scores, found, dev)

    def _train(self, readout: str, vectors: Floats, bar: Progress) -> DecoderTraining:
        checkpoint = TrainingCheckpoint(self._path(readout))
        return train(
            vectors,
            self.corpus,
            self.settings,
            seed=self.seed,
            checkpoint=checkpoint,
            progress=bar,
        )

    def _answers(
        self, entry: ReadoutSystems, training: DecoderTraining, vectors: Floats
    ) -> dict[System, Hypotheses]:
        test, others = self.corpus.splits.test, self._others
        bag = learn_bag(vectors, self.corpus)
        return {
            entry.decoder: training.answers(test),
            entry.bag: bag.answers(vectors[test]),
            entry.nearest: self.corpus.references(self._nearest(vectors)),
            entry.shuffled: training.answers(others),
            entry.shuffled_bag: bag.answers(vectors[others]),
        }

    def _f1_on_dev(self, training: DecoderTraining) -> float:
        dev = self.corpus.splits.dev
        counts = ngram_counts(training.answers(dev), self.corpus.references(dev))
        return float(token_f1(counts).mean())

    def _standardised(self, vectors: Floats) -> Floats:
        """As trained on: by the mean and deviation of train."""
        step = fit(parse_steps("standardize"), vectors[self.corpus.splits.train])
        found: Floats = step.apply(vectors)
        return found

    def _nearest(self, vectors: Floats) -> RowIndices:
        """For each sentence of test the one of train of the highest cosine."""
        train, _, test = self.corpus.splits
        size = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / np.where(size > 0, size, 1)
        nearest: RowIndices = train[(unit[test] @ unit[train].T).argmax(axis=1)]
        return nearest

    @property
    def _others(self) -> RowIndices:
        """For each sentence of test another one of test."""
        test = self.corpus.splits.test
        order = np.random.default_rng(self.seed).permutation(len(test))
        others = np.empty_like(test)
        others[order] = test[np.roll(order, 1)]
        return others

    def _path(self, readout: str) -> Path | None:
        if self.folder is None:
            return None
        what = [FORMAT, self.model, readout, self.corpus.hash, self.seed, asdict(self.settings)]
        return self.folder / f"recover-{sha256(json.dumps(what).encode()).hexdigest()[:16]}.pt"
