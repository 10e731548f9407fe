"""Every sentence's [CLS], explained at every layer: one pass, and what it leaves to count."""

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
from poolwise.studies.average.explain import WAYS, WEIGHED, Layer
from poolwise.studies.token_classes import CLASSES, token_classes

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

SETTLING = 256
"""Sentences whose mean states say what [CLS] is off its tokens."""

CHUNK_FLOATS = 1 << 20
"""States worked on at a time by each worker."""


@dataclass(frozen=True, slots=True)
class Sample:
    """n sentences that have a token besides the special ones, at every layer.

    ``lengths``    [n] tokens, special ones included.
    ``paired``     bool [n]: another sentence of the same length could be put beside it.
    ``residuals``  [layers, n, ways] |r|².
    ``vectors``    float32 [2, layers, n, d], on disk: the states of [CLS], and of the random word.
    ``weights``    [weighed, layers, n, classes] the weight that falls on each class of tokens, in
                   each of ``WEIGHED``; NaN where there is none.
    ``in_use``     [weighed, layers, n] 1 / Σw²: as many equal weights are as concentrated.
    ``counts``     [n, classes] tokens of each class.
    """

    lengths: Rows
    paired: Bools
    residuals: Array
    vectors: Floats
    weights: Array
    in_use: Array
    counts: Array

    def __len__(self) -> int:
        return len(self.lengths)

    def first(self, n: int) -> Sample:
        """The first n sentences."""
        return Sample(
            self.lengths[:n],
            self.paired[:n],
            self.residuals[:, :n],
            self.vectors[:, :, :n],
            self.weights[:, :, :n],
            self.in_use[:, :, :n],
            self.counts[:n],
        )


def sample(
    model: Model,
    texts: Sequence[str],
    seed: int,
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> Sample:
    """Explain every text, in groups of one length; the neighbour in a group is the other sentence.

    So texts should come in no order. Raises StudyError where states are not finite, or the disk has
    no room for those of two tokens a text.
    """
    layers, n, d = model.depth + 1, len(texts), model.width
    found = Sample(
        lengths=np.zeros(n, np.intp),
        paired=np.zeros(n, np.bool_),
        residuals=np.empty((layers, n, len(WAYS))),
        vectors=scratch_array((2, layers, n, d), "the states", "give fewer texts (--limit)"),
        weights=np.empty((len(WEIGHED), layers, n, len(CLASSES))),
        in_use=np.empty((len(WEIGHED), layers, n)),
        counts=np.zeros((n, len(CLASSES))),
    )
    how: dict[str, Any] = {"precision": precision, "progress": progress}
    offsets = _offsets(model, texts[:SETTLING], how)
    start = 0
    with single_blas_thread(), ThreadPoolExecutor(cores()) as workers:
        for group in _groups(model, texts, how):
            classes = token_classes(model, group.ids, group.special)
            reading = _Reading(group, classes, _words(group, seed), offsets, found, start)
            list(workers.map(reading.take, reading.chunks()))
            start += len(group)
    return found.first(start)


def _offsets(model: Model, texts: Sequence[str], how: Mapping[str, Any]) -> Array:
    """How far [CLS] is from the mean of its sentence's tokens, on average, [layers, d]."""
    away, n = np.zeros((model.depth + 1, model.width)), 0
    for group in _groups(model, texts, how):
        states = group.hidden_states.astype(np.float64)
        away += (states[:, :, 0] - states[:, :, 1:].mean(axis=2)).sum(axis=1)
        n += len(group)
    return away / max(n, 1)


def _groups(model: Model, texts: Sequence[str], how: Mapping[str, Any]) -> Iterator[TokenOutputs]:
    """The texts that have a token besides the special ones."""
    for group in model.token_outputs(texts, **how):
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
class _Reading:
    """A group whose sentences go to the rows of ``found`` from ``start`` on."""

    group: TokenOutputs
    classes: NDArray[np.int8]
    words: Rows
    offsets: Array
    found: Sample
    start: int

    def chunks(self) -> Iterator[Rows]:
        size = max(CHUNK_FLOATS // self.group.hidden_states[0, 0].size, 1)
        every = np.arange(len(self.group))
        yield from np.split(every, every[size::size])

    def take(self, rows: Rows) -> None:
        """Explain these sentences of the group."""
        found, group, to = self.found, self.group, self.start + rows
        found.lengths[to] = group.ids.shape[1]
        found.paired[to] = len(group) > 1
        one_hot = self.classes[rows, :, None] == np.arange(len(CLASSES))
        found.counts[to] = one_hot.sum(axis=1)
        with_next = np.append(rows, (rows[-1] + 1) % len(group))
        words, below = self.words[rows], None
        for k, states in enumerate(group.hidden_states):
            layer = Layer(states[with_next], self.offsets[k])
            explained = layer.explained(words, below)
            found.residuals[k, to] = explained.residuals
            found.vectors[0, k, to] = states[rows, 0]
            found.vectors[1, k, to] = states[rows, words]
            for i, way in enumerate(WEIGHED):
                weights = explained.weights[way]
                explaining = one_hot[:, -weights.shape[1] :]
                found.weights[i, k, to] = (weights[:, None] @ explaining)[:, 0]
                found.in_use[i, k, to] = 1 / (weights**2).sum(axis=1)
            below = layer
