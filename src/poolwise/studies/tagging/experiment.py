"""Every mix and every control under one head."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.records import Floats
from poolwise.studies.tagging.corpus import Rows, TaggedCorpus
from poolwise.studies.tagging.features import Features, LayerMix, of_mix, of_table, table7
from poolwise.studies.tagging.scores import F1Scores
from poolwise.studies.tagging.vectors import WordVectors

STATIC = "static embedding of the first sub-token"
MOST_FREQUENT = "the word's most frequent tag"
SHUFFLED = "last layer, shuffled tags"

Predictions = tuple[Rows, Rows]
"""A tag for every word of dev, and of test."""

Head = Callable[[Features, TaggedCorpus, Rows, int], Predictions]
"""Learns tags of train's words from features; the number is that of the restart."""


@dataclass(frozen=True, slots=True)
class MixScores:
    """``mixes`` and the names of the ``controls``; their scores on dev and on test."""

    mixes: Sequence[LayerMix]
    controls: Sequence[str]
    dev: F1Scores
    test: F1Scores

    @property
    def last(self) -> str:
        """What the others are compared with."""
        return "last layer"

    @property
    def chosen(self) -> str:
        """The mix of the best score on dev."""
        return self.best(self.mixes)

    def best(self, mixes: Sequence[LayerMix]) -> str:
        """The best of these on dev; the first of equals."""
        return max((mix.name for mix in mixes), key=lambda name: self.dev.values[name])

    @property
    def single(self) -> Mapping[int, str]:
        """The name under which each layer takes part alone, where it does."""
        return {mix.layers[0]: mix.name for mix in self.mixes if mix.combine == "one"}


@dataclass(frozen=True, slots=True)
class MixExperiment:
    """What every head learns from: ``table`` [vocabulary, d] holds static embeddings."""

    corpus: TaggedCorpus
    words: WordVectors
    table: Floats
    seed: int

    @property
    def depth(self) -> int:
        return len(self.words.states) - 1

    def hold(self, head: Head, restarts: int, *, every_layer: bool) -> MixScores:
        """Let the six mixes compete, and every layer alone if asked, and the controls."""
        mixes = table7(self.depth)
        if every_layer:
            known = {mix.layers[0] for mix in mixes if mix.combine == "one"}
            alone = [LayerMix(f"layer {k}", (k,)) for k in range(self.depth + 1) if k not in known]
            mixes += alone
        found = dict(self._guesses(head, restarts, mixes))
        controls = [STATIC, MOST_FREQUENT, SHUFFLED]
        _, dev, test = self.corpus.splits
        counts = [
            {
                name: [self.corpus.counts(part, guesses[i]) for guesses in tries]
                for name, tries in found.items()
            }
            for i, part in enumerate((dev, test))
        ]
        groups = self.corpus.groups
        scores = [
            F1Scores(one, self.seed, None if groups is None else groups[part])
            for one, part in zip(counts, (dev, test), strict=True)
        ]
        return MixScores(mixes, controls, *scores)

    def _guesses(
        self, head: Head, restarts: int, mixes: Sequence[LayerMix]
    ) -> Iterator[tuple[str, list[Predictions]]]:
        corpus = self.corpus
        train = corpus.rows(corpus.splits.train)
        tags = corpus.tags[train]
        for mix in mixes:
            features = of_mix(self.words, mix, train)
            yield mix.name, [head(features, corpus, tags, i) for i in range(restarts)]
        static = of_table(self.words, self.table, train)
        yield STATIC, [head(static, corpus, tags, i) for i in range(restarts)]
        yield MOST_FREQUENT, [most_frequent(corpus)]
        shuffled = np.random.default_rng(self.seed).permutation(tags)
        last = of_mix(self.words, LayerMix("", (self.depth,)), train)
        yield SHUFFLED, [head(last, corpus, shuffled, 0)]


def runs(restarts: int) -> int:
    """How often a head that learns the six mixes learns."""
    return 7 * restarts + 1


def most_frequent(corpus: TaggedCorpus) -> Predictions:
    """Each word's most frequent tag in train; for a word not seen there, that of all words."""
    train, dev, test = (corpus.rows(part) for part in corpus.splits)
    common = int(np.bincount(corpus.tags[train]).argmax())
    seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in train.tolist():
        seen[corpus.words[row]][int(corpus.tags[row])] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in seen.items()}
    return (
        np.array([best.get(corpus.words[row], common) for row in dev.tolist()], np.intp),
        np.array([best.get(corpus.words[row], common) for row in test.tolist()], np.intp),
    )
