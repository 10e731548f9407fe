"""Averages of the encoder's input word embeddings: no position, no LayerNorm, no block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from poolwise.encoders import Encoder
from poolwise.errors import StudyError
from poolwise.records import Floats

RARITY = 1e-3
"""SIF's a: a token as frequent as this counts half as much as one never seen."""

Tokens = NDArray[np.int32]


class _Bags:
    """The tokens of n texts, special ones left out."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        windows = [text.windows[0] for text in encoder.tokenize(texts)]
        bags = [window.ids[~window.special] for window in windows]
        self.ids: Tokens = np.concatenate([np.empty(0, np.int32), *bags])
        self._sizes = np.array([len(bag) for bag in bags], np.int64)
        self._words = encoder.word_embeddings

    def frequencies(self) -> NDArray[np.float64]:
        """The share that each token of the vocabulary has of all, [vocabulary]."""
        return np.bincount(self.ids, minlength=len(self._words)) / len(self.ids)

    def mean(self, weights: Floats) -> Floats:
        """Σ weight · embedding / tokens for each text, float32 [n, e]; zeros for no tokens.

        ``weights`` are by token, float32 [vocabulary].
        """
        ends = np.concatenate([[0], self._sizes.cumsum()])
        shape = (len(self._sizes), len(self._words))
        sums = csr_array((weights[self.ids], self.ids, ends), shape=shape) @ self._words
        return np.asarray(sums / np.maximum(self._sizes, 1)[:, None], np.float32)


def averaged(
    encoder: Encoder, train_texts: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[Floats, str]:
    """The mean over a text's tokens, [n, e]; learns nothing."""
    del train_texts, seed
    every = np.ones(len(encoder.word_embeddings), np.float32)
    return _Bags(encoder, texts).mean(every), "mean of the encoder's input word embeddings"


def weighted_by_rarity(
    encoder: Encoder, train_texts: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[Floats, str]:
    """Smooth inverse frequency, [n, e]: the mean, less swayed by frequent tokens.

    Each token counts a / (a + p), p its share of the train texts' tokens; then the direction that
    the train texts' vectors have in common is taken out (Arora, Liang & Ma 2017, "A simple but
    tough-to-beat baseline for sentence embeddings").
    """
    del seed
    train = _Bags(encoder, train_texts)
    if not len(train.ids):
        raise StudyError("the train texts hold no token, so tokens have no frequency")
    weights = (RARITY / (RARITY + train.frequencies())).astype(np.float32)
    learned = train.mean(weights).astype(np.float64)
    common = np.linalg.eigh(learned.T @ learned)[1][:, -1].astype(np.float32)
    vectors = _Bags(encoder, texts).mean(weights)
    note = (
        f"mean of the encoder's input word embeddings, weighted {RARITY:g} / ({RARITY:g} + "
        f"frequency), without their common direction; learned on {len(train_texts):,} texts"
    )
    return vectors - np.outer(vectors @ common, common), note
