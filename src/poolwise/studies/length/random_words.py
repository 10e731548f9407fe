"""The control of random words: sentences' lengths and words without their order or meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Sentence
from poolwise.statistics.folds import hash_uniform

RANDOM_WORDS = "random words"
SIZE = 2000


class RandomWords:
    """Texts with as many words as real sentences have, drawn by the frequency of words in them.

    Holds ``SIZE`` sentences, a uniform sample of all that pass (Vitter 1985, algorithm R).
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n_seen = 0
        self._sample: list[list[str]] = []

    def see(self, texts: Sequence[str]) -> None:
        """Let sentences pass."""
        rows = self._n_seen + np.arange(len(texts))
        places = (hash_uniform(rows, self._seed) * (rows + 1)).astype(np.intp)
        self._n_seen += len(texts)
        for text, row, place in zip(texts, rows.tolist(), places.tolist(), strict=True):
            if row < SIZE:
                self._sample.append(text.split())
            elif place < SIZE:
                self._sample[place] = text.split()

    def texts(self) -> Iterator[Sentence]:
        """One text for each sentence held, of as many words, drawn from all words held."""
        rng = np.random.default_rng(self._seed)
        words = [word for sentence in self._sample for word in sentence]
        for row, sentence in enumerate(self._sample):
            indices = rng.integers(0, len(words), len(sentence)).tolist()
            yield Sentence(" ".join(words[i] for i in indices), row, RANDOM_WORDS)
