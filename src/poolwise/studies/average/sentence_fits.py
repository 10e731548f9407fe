"""[CLS] of every sentence, approximated by its tokens at every layer, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.engines.workers import cores
from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Bools, Floats, Precision, TokenOutputs
from poolwise.selection.scratch_file import scratch_array
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.folds import hash_uniform
from poolwise.studies.average.combinations import COMBINATIONS, WEIGHTED, LayerStates
from poolwise.studies.token_classes import CLASSES, token_classes

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

OFFSET_SENTENCES = 256
"""Sentences that the mean offset of [CLS] from its tokens is taken from."""

CHUNK_FLOATS = 1 << 20
"""Floats of hidden states that a worker handles at a time."""


@dataclass(frozen=True, slots=True)
class SentenceFits:
    """n sentences that have a token besides the special ones, at every layer.

    ``lengths``    [n] tokens, special ones included.
    ``paired``     bool [n]: another sentence of the same length was there for comparison.
    ``residuals``  [layers, n, combinations] |r|².
    ``vectors``    float32 [2, layers, n, d], on disk: the states of [CLS], and of the random word.
    ``weights``    [weighted, layers, n, classes] the summed weight of each class of tokens, in each
                   of ``WEIGHTED``; NaN where it is undefined.
    ``effective_tokens``  [weighted, layers, n] 1 / Σw²: equal weights as concentrated as these.
    ``counts``     [n, classes] tokens of each class.
    """

    lengths: Rows
    paired: Bools
    residuals: Array
    vectors: Floats
    weights: Array
    effective_tokens: Array
    counts: Array

    def __len__(self) -> int:
        return len(self.lengths)

    def first(self, n: int) -> SentenceFits:
        """The first n sentences."""
        return SentenceFits(
            self.lengths[:n],
            self.paired[:n],
            self.residuals[:, :n],
            self.vectors[:, :, :n],
            self.weights[:, :, :n],
            self.effective_tokens[:, :, :n],
            self.counts[:n],
        )


def fit_sentences(
    model: Model,
    texts: Sequence[str],
    seed: int,
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> SentenceFits:
    """Fits to every text; the other sentence is its neighbour in a group of one length.

    So texts should come in random order. Raises StudyError where states are not finite, or the disk
    has no room for those of two tokens a text.
    """
    layers, n, d = model.depth + 1, len(texts), model.width
    fits = SentenceFits(
        lengths=np.zeros(n, np.intp),
        paired=np.zeros(n, np.bool_),
        residuals=np.empty((layers, n, len(COMBINATIONS))),
        vectors=scratch_array((2, layers, n, d), "the states", "give fewer texts (--limit)"),
        weights=np.empty((len(WEIGHTED), layers, n, len(CLASSES))),
        effective_tokens=np.empty((len(WEIGHTED), layers, n)),
        counts=np.zeros((n, len(CLASSES))),
    )
    options: dict[str, Any] = {"precision": precision, "progress": progress}
    offsets = _offsets(model, texts[:OFFSET_SENTENCES], options)
    start = 0
    with single_blas_thread(), ThreadPoolExecutor(cores()) as workers:
        for group in _groups(model, texts, options):
            classes = token_classes(model, group.ids, group.special)
            group_fits = _GroupFits(group, classes, _words(group, seed), offsets, fits, start)
            list(workers.map(group_fits.fit, group_fits.chunks()))
            start += len(group)
    return fits.first(start)


def _offsets(model: Model, texts: Sequence[str], options: Mapping[str, Any]) -> Array:
    """How far [CLS] is from the mean of its sentence's tokens, on average, [layers, d]."""
    total, n = np.zeros((model.depth + 1, model.width)), 0
    for group in _groups(model, texts, options):
        states = group.hidden_states.astype(np.float64)
        total += (states[:, :, 0] - states[:, :, 1:].mean(axis=2)).sum(axis=1)
        n += len(group)
    return total / max(n, 1)


def _groups(
    model: Model, texts: Sequence[str], options: Mapping[str, Any]
) -> Iterator[TokenOutputs]:
    """The texts that have a token besides the special ones."""
    for group in model.token_outputs(texts, **options):
        if group.special.all():
            continue
        if not np.isfinite(group.hidden_states).all():
            raise StudyError(
                f"{model.name} gives tokens states that are not finite (NaN or infinity); nothing "
                "can be said of them. Is the checkpoint whole?"
            )
        yield group


def _words(group: TokenOutputs, seed: int) -> Rows:
    """The position of a token drawn in each sentence, special ones left aside, [n]."""
    special = group.special.copy()
    special[:, 0] = True
    place = (hash_uniform(group.rows, seed) * (~special).sum(axis=1)).astype(np.intp)
    words_first = np.argsort(special, axis=1, kind="stable")
    return np.asarray(words_first[np.arange(len(group)), place])


@dataclass(frozen=True)
class _GroupFits:
    """Fits of a group, written to the rows of ``fits`` from ``start`` on."""

    group: TokenOutputs
    classes: NDArray[np.int8]
    words: Rows
    offsets: Array
    fits: SentenceFits
    start: int

    def chunks(self) -> Iterator[Rows]:
        size = max(CHUNK_FLOATS // self.group.hidden_states[0, 0].size, 1)
        rows = np.arange(len(self.group))
        yield from np.split(rows, rows[size::size])

    def fit(self, rows: Rows) -> None:
        """Fit these sentences of the group."""
        fits, group, to = self.fits, self.group, self.start + rows
        fits.lengths[to] = group.ids.shape[1]
        fits.paired[to] = len(group) > 1
        one_hot = self.classes[rows, :, None] == np.arange(len(CLASSES))
        fits.counts[to] = one_hot.sum(axis=1)
        with_next = np.append(rows, (rows[-1] + 1) % len(group))
        words, below = self.words[rows], None
        for k, states in enumerate(group.hidden_states):
            layer = LayerStates(states[with_next], self.offsets[k])
            approximation = layer.approximate(words, below)
            fits.residuals[k, to] = approximation.residuals
            fits.vectors[0, k, to] = states[rows, 0]
            fits.vectors[1, k, to] = states[rows, words]
            for i, combination in enumerate(WEIGHTED):
                weights = approximation.weights[combination]
                of_weights = one_hot[:, -weights.shape[1] :]
                fits.weights[i, k, to] = (weights[:, None] @ of_weights)[:, 0]
                fits.effective_tokens[i, k, to] = 1 / (weights**2).sum(axis=1)
            below = layer
