"""Every mix of layers and every control under one head."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.records import Floats
from poolwise.studies.tagging.corpus import TaggedCorpus, TagIds
from poolwise.studies.tagging.features import (
    Features,
    LayerMix,
    mix_features,
    static_features,
    table7_mixes,
)
from poolwise.studies.tagging.scores import F1Scores
from poolwise.studies.tagging.vectors import WordVectors

LAST = "last layer"
STATIC = "static embedding of the first sub-token"
MOST_FREQUENT = "the word's most frequent tag"
SHUFFLED = "last layer, shuffled tags"

Predictions = tuple[TagIds, TagIds]
"""A tag for every word of dev, and of test."""

TrainHead = Callable[[Features, TaggedCorpus, TagIds, int], Predictions]
"""Trains a head on features and the tags of train's words; the number is that of the restart."""


@dataclass(frozen=True, slots=True)
class MixScores:
    """The scores of every mix and of the ``controls``, by name, on dev and on test."""

    mixes: Sequence[LayerMix]
    controls: Sequence[str]
    dev: F1Scores
    test: F1Scores

    @property
    def best_mix(self) -> str:
        """The mix of the highest score on dev."""
        return self.best(self.mixes)

    def best(self, mixes: Sequence[LayerMix]) -> str:
        """The mix of the highest score on dev among these; the first of equals."""
        return max((mix.name for mix in mixes), key=lambda name: self.dev.values[name])

    @property
    def single_layers(self) -> Mapping[int, str]:
        """The name of the mix that is one layer alone, by layer."""
        return {mix.layers[0]: mix.name for mix in self.mixes if mix.combine == "single"}


@dataclass(frozen=True, slots=True)
class HeadResult:
    """The scores under the head of this name; ``notes`` describe the head."""

    head: str
    scores: MixScores
    corpus: TaggedCorpus
    restarts: int
    notes: Sequence[str] = ()

    @property
    def metric(self) -> str:
        """Entity F1, or accuracy."""
        return self.corpus.scheme.metric


@dataclass(frozen=True, slots=True)
class MixExperiment:
    """The data of every head. ``table`` [vocabulary, d] holds the static embeddings."""

    corpus: TaggedCorpus
    words: WordVectors
    table: Floats
    seed: int

    @property
    def depth(self) -> int:
        return len(self.words.states) - 1

    def run(self, train_head: TrainHead, restarts: int, *, every_layer: bool) -> MixScores:
        """The scores of the six mixes, of every layer alone if asked, and of the controls."""
        mixes = table7_mixes(self.depth)
        if every_layer:
            single = {mix.layers[0] for mix in mixes if mix.combine == "single"}
            layers = [k for k in range(self.depth + 1) if k not in single]
            mixes += [LayerMix(f"layer {k}", (k,)) for k in layers]
        predictions = dict(self._predictions(train_head, restarts, mixes))
        dev, test = (self._scores(predictions, i) for i in (0, 1))
        return MixScores(mixes, [STATIC, MOST_FREQUENT, SHUFFLED], dev, test)

    def _scores(self, predictions: Mapping[str, Sequence[Predictions]], i: int) -> F1Scores:
        """The scores on dev, for i = 0, or on test."""
        rows, groups = (self.corpus.splits.dev, self.corpus.splits.test)[i], self.corpus.groups
        counts = {
            name: [self.corpus.span_counts(rows, tags[i]) for tags in restarts]
            for name, restarts in predictions.items()
        }
        return F1Scores(counts, self.seed, None if groups is None else groups[rows])

    def _predictions(
        self, train_head: TrainHead, restarts: int, mixes: Sequence[LayerMix]
    ) -> Iterator[tuple[str, list[Predictions]]]:
        corpus = self.corpus
        train = corpus.word_rows(corpus.splits.train)
        tags = corpus.tags[train]
        for mix in mixes:
            features = mix_features(self.words, mix, train)
            yield mix.name, [train_head(features, corpus, tags, i) for i in range(restarts)]
        static = static_features(self.words, self.table, train)
        yield STATIC, [train_head(static, corpus, tags, i) for i in range(restarts)]
        yield MOST_FREQUENT, [most_frequent_tags(corpus)]
        shuffled_tags = np.random.default_rng(self.seed).permutation(tags)
        last = mix_features(self.words, LayerMix("", (self.depth,)), train)
        yield SHUFFLED, [train_head(last, corpus, shuffled_tags, 0)]


def count_trainings(restarts: int) -> int:
    """The number of trainings for the six mixes and the controls."""
    return 7 * restarts + 1


def most_frequent_tags(corpus: TaggedCorpus) -> Predictions:
    """Each word's most frequent tag in train; for a word not in train, that of all words."""
    train, dev, test = (corpus.word_rows(rows) for rows in corpus.splits)
    overall = int(np.bincount(corpus.tags[train]).argmax())
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in train.tolist():
        counts[corpus.words[row]][int(corpus.tags[row])] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    return (
        np.array([best.get(corpus.words[row], overall) for row in dev.tolist()], np.intp),
        np.array([best.get(corpus.words[row], overall) for row in test.tolist()], np.intp),
    )
