"""What is kept of the texts: a few numbers by row, and the moments of whole vectors."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from poolwise.records import VectorBatch
from poolwise.selection.duplicates import id_bytes
from poolwise.statistics.folds import assign_folds, hash_uniform
from poolwise.statistics.moments import Moments
from poolwise.studies.length.layers import Layer, Series

Array = NDArray[np.float64]

FOLDS = 5
TARGETS = TOKENS, WORDS, OTHER = "tokens", "words", "tokens of another sentence"
"""What is predicted: both lengths, and a length that belongs to another sentence."""

POOL = 1000
"""Sentences whose lengths are handed to others."""


class Sample:
    """One group of texts: the user's own, or one of control texts.

    A row whose text was truncated is left out, for its length is not known; so is an empty one,
    which is no sentence and would repeat one vector, and one whose vectors are not finite. Each is
    counted. Copies of a text stay, and are known as such: ``groups`` [n] numbers the
    texts that the encoder tells apart. ``whole`` names the readouts whose full vectors are kept
    as moments, by fold, beside the targets: 8 · FOLDS · (d + 3)² bytes each, however many texts
    pass.
    """

    def __init__(self, layers: Sequence[Layer], whole: Sequence[str], seed: int) -> None:
        self.series: list[Series] = [s for layer in layers for s in layer.series]
        self.left_out = {"truncated": 0, "empty": 0, "not finite": 0}
        self.moments: dict[str, list[Moments]] = {name: [] for name in whole}
        self.n = 0
        self.layers = layers
        self._seed = seed
        self._texts: dict[bytes, int] = {}
        self._pool: Array = np.empty(0)
        self._groups = [np.empty(0, np.intp)]
        self._targets = [np.empty((0, len(TARGETS)))]
        self._norms = [np.empty((0, len(self.series)))]

    def add(self, batch: VectorBatch, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Take in these rows of a batch; return those that could be used."""
        rows = self._leave_out("truncated", rows, batch.truncated[rows])
        rows = self._leave_out("empty", rows, batch.empty[rows])
        names = [name for layer in self.layers for name in layer.readouts]
        finite = np.all(
            [np.isfinite(batch.vectors[name][rows]).all(axis=1) for name in names], axis=0
        )
        rows = self._leave_out("not finite", rows, ~finite)
        vectors = {name: batch.vectors[name][rows].astype(np.float64) for name in names}
        groups = self._alike(batch, rows)
        targets = self._lengths(batch, rows, groups)
        folds = assign_folds(groups, FOLDS, self._seed)
        for name in self.moments:
            self._add_moments(name, np.hstack([vectors[name], targets]), folds)
        self._norms.append(np.hstack([layer.norms(vectors) for layer in self.layers]))
        self._targets.append(targets)
        self._groups.append(groups)
        self.n += len(rows)
        return rows

    @property
    def norms(self) -> Array:
        """A column a series, [n, s]."""
        return np.concatenate(self._norms)

    @property
    def targets(self) -> Array:
        """A column a target, [n, 3]."""
        return np.concatenate(self._targets)

    @property
    def groups(self) -> NDArray[np.intp]:
        """The number of each row's text, [n]; copies have the same."""
        return np.concatenate(self._groups)

    @property
    def different(self) -> int:
        """How many texts the rows are."""
        return len(np.unique(self.groups))

    @property
    def folds(self) -> NDArray[np.intp]:
        """Which fold each row is in, [n]."""
        return assign_folds(self.groups, FOLDS, self._seed)

    def _alike(self, batch: VectorBatch, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The number of each row's text; each its own where the batch has no tokens to tell."""
        if not batch.tokens:
            return self.n + np.arange(len(rows))
        read = [blake2b(id_bytes(batch.tokens[i]), digest_size=16).digest() for i in rows.tolist()]
        return np.array([self._texts.setdefault(ids, len(self._texts)) for ids in read], np.intp)

    def _leave_out(
        self, why: str, rows: NDArray[np.intp], marked: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        self.left_out[why] += int(marked.sum())
        return rows[~marked]

    def _lengths(
        self, batch: VectorBatch, rows: NDArray[np.intp], groups: NDArray[np.intp]
    ) -> Array:
        """The targets of these rows, [n, 3]; tokens without [CLS] and [SEP].

        The other sentence is drawn from the first ``POOL``: a permutation's like that one pass can
        have. Drawn from nearby rows, or from all before, it would follow a text that changes as it
        goes on, and a vector that knows where it stands would predict it. Copies have the same.
        """
        tokens = batch.n_tokens[rows] - 2.0
        words = [len(batch.sentences[i].text.split()) for i in rows]
        text, first = np.unique(groups, return_index=True)
        new = first[(text >= len(self._pool)) & (text < POOL)]
        self._pool = np.concatenate([self._pool, tokens[new]])
        drawn = hash_uniform(groups, self._seed + 1) * np.minimum(groups, POOL)
        other = self._pool[drawn.astype(np.intp)]
        return np.column_stack([tokens, words, other])

    def _add_moments(self, name: str, rows: Array, folds: NDArray[np.intp]) -> None:
        if not self.moments[name]:
            self.moments[name] = [Moments(rows.shape[1]) for _ in range(FOLDS)]
        for fold, moments in enumerate(self.moments[name]):
            moments.add(rows[folds == fold])
