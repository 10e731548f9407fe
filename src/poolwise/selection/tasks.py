"""The tasks that readouts are scored on: pairs that people scored, texts with labels.

A task turns the vectors of its texts into one number a row: the cosine of a pair, or whether a
frozen linear probe predicts the right label. A ``Measure`` (see ``scores``) aggregates these.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.errors import ReadoutError, StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.classes import checked_classes
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.scores import Correlations, HitRates, Measure
from poolwise.selection.splits import RowIndices, Splits, split_rows
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.discriminant import Discriminant
from poolwise.statistics.estimate import is_constant
from poolwise.statistics.folds import assign_folds
from poolwise.statistics.moments import Moments
from poolwise.texts import LabelledTexts, TextPairs
from poolwise.transforms import Transform, fit

Array = NDArray[np.float64]

FOLDS = 5
SHARES = (0.6, 0.2, 0.2)
"""Shares of train, dev and test."""
PAIR_SHARES = (0.2, 0.4, 0.4)
"""The same for pairs, where only steps are fitted on train."""


class Task(Protocol):
    """``name`` of the data, ``score`` (its metric's name), ``learns`` (whether a probe is fitted on
    train's labels) and ``splits``. ``groups`` numbers the rows' texts, the same where the encoder
    gets the same tokens: [n] or, of pairs, [n, 2]."""

    name: str
    score: str
    learns: bool
    splits: Splits
    groups: RowIndices

    def __len__(self) -> int:
        """Rows."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """The texts of all rows."""
        ...

    @property
    def train_texts(self) -> Sequence[str]:
        """The texts of the rows of train."""
        ...

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        """Each row's score, float64 [n], from vectors [texts of the cache, d]; NaN where undefined.

        The steps of the readout ``steps`` are fitted on the texts of train and applied first.
        """
        ...

    def measure(self, row_scores: Array, rows: RowIndices) -> Measure:
        """The score of ``rows`` under every candidate, from scores by row [n, c]."""
        ...


class PairsTask:
    """Spearman's rho between the cosine of a pair and the score that people gave it."""

    score = "Spearman"
    learns = False

    def __init__(self, pairs: TextPairs, seed: int, fit_texts: Sequence[str] | None = None) -> None:
        """Steps are fitted on ``fit_texts``, by default on the texts of the train pairs.

        Raises StudyError where all pairs of dev or of test have the same score.
        """
        self.name, self.pairs, self._fit_texts = pairs.name, pairs, fit_texts
        keys = duplicate_keys([*pairs.first, *pairs.second], pairs.groups)
        self.groups = factorize(keys).reshape(2, -1).T
        key_pairs = list(zip(keys[: len(pairs)], keys[len(pairs) :], strict=True))
        self.splits = split_rows(pairs.splits, key_pairs, PAIR_SHARES, seed)
        for name, rows in (("dev", self.splits.dev), ("test", self.splits.test)):
            if is_constant(pairs.scores[rows]):
                raise StudyError(
                    f"{self.name}: the {name} pairs all have the score {pairs.scores[rows[0]]:g}; "
                    "a correlation needs scores that differ"
                )

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def texts(self) -> Sequence[str]:
        return [*self.pairs.first, *self.pairs.second, *(self._fit_texts or ())]

    @property
    def train_texts(self) -> Sequence[str]:
        if self._fit_texts is not None:
            return self._fit_texts
        sides = (self.pairs.first, self.pairs.second)
        return [side[i] for i in self.splits.train.tolist() for side in sides]

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        first, second = cache.rows(self.pairs.first), cache.rows(self.pairs.second)
        if steps is not None and steps.steps:
            train = np.unique(cache.rows(self.train_texts))
            transform = _fit_or_none(steps, vectors[train[cache.usable[train]]], cache.dense_stack)
            if transform is None:
                return np.full(len(self), np.nan)
            unique, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
            a, b = np.split(transform.apply(vectors[unique])[inverse], 2)
        else:
            a, b = vectors[first], vectors[second]
        cosines = _cosines(a, b)
        cosines[~(cache.usable[first] & cache.usable[second])] = np.nan
        return cosines

    def measure(self, row_scores: Array, rows: RowIndices) -> Measure:
        defined = rows[np.isfinite(row_scores[rows]).any(axis=1)]
        scores = self.pairs.scores[defined]
        return Correlations(np.nan_to_num(row_scores[defined]), scores, self.groups[defined])


class LabelsTask:
    """Accuracy of a frozen linear probe: a penalised linear discriminant.

    Its penalty comes from an exact cross-validation over five folds of train, apart by text.
    """

    score = "accuracy"
    learns = True

    def __init__(self, data: LabelledTexts, seed: int) -> None:
        self.name, self.data, self._seed = data.name, data, seed
        keys = duplicate_keys(data.texts, data.groups)
        self.groups = factorize(keys)
        self.splits = split_rows(data.splits, [(key,) for key in keys], SHARES, seed)
        self.classes = checked_classes(data)
        train_labels = {data.labels[i] for i in self.splits.train.tolist()}
        self.unseen_labels = sorted(set(data.labels) - train_labels)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def texts(self) -> Sequence[str]:
        return self.data.texts

    @property
    def train_texts(self) -> Sequence[str]:
        return [self.data.texts[i] for i in self.splits.train.tolist()]

    @cached_property
    def targets(self) -> NDArray[np.intp]:
        """Each row's label as an index into ``classes``, [n]."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.data.labels], np.intp)

    @cached_property
    def one_hot(self) -> Array:
        """Zeros, and 1 at each row's label, [n, classes]."""
        return np.eye(len(self.classes))[self.targets]

    def row_scores(
        self, cache: VectorCache, vectors: Floats, steps: Readout | None = None
    ) -> Array:
        rows = cache.rows(self.data.texts)
        x = vectors[rows]
        usable = cache.usable[rows] & np.isfinite(x).all(axis=1)
        if steps is not None and steps.steps:
            transform = _fit_or_none(
                steps, x[self.splits.train[usable[self.splits.train]]], cache.dense_stack
            )
            if transform is None:
                return np.full(len(self), np.nan)
            x = transform.apply(x)
        return self.hits(x, usable, self.targets)

    def hits(
        self, x: Floats | Array, usable: NDArray[np.bool_], targets: NDArray[np.intp]
    ) -> Array:
        """Whether a probe fitted on train's rows of x [n, d] predicts the targets of dev and test.

        0 or 1, [n]; 0 where a row is not ``usable``, NaN for the rows of train.
        """
        train = self.splits.train[usable[self.splits.train]]
        held_out = np.concatenate([self.splits.dev, self.splits.test])
        hits = np.full(len(x), np.nan)
        hits[held_out] = 0.0
        folds = assign_folds(self.groups[train], FOLDS, self._seed)
        one_hot = np.eye(len(self.classes))[targets]
        moments = []
        for fold in range(FOLDS):
            rows = train[folds == fold]
            moments.append(Moments(x.shape[1] + len(self.classes)))
            moments[-1].add(np.hstack([x[rows], one_hot[rows]]))
        probe = Discriminant(moments, targets=len(self.classes))
        rows = held_out[usable[held_out]]
        hits[rows] = probe.predict(x[rows]) == targets[rows]
        return hits

    def measure(self, row_scores: Array, rows: RowIndices) -> Measure:
        return HitRates(row_scores[rows], self.groups[rows])


def _cosines(a: Floats, b: Floats) -> Array:
    """The cosine of corresponding rows [n, d], [n]; NaN where one is zero or not finite."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    product = np.einsum("nd,nd->n", x, y)
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(norms > 0, product / norms, np.nan))


def _fit_or_none(
    readout: Readout, vectors: Floats, dense_stack: DenseStack | None
) -> Transform | None:
    """None where the vectors lack the directions that a step needs, as where all are equal."""
    try:
        return fit(readout, vectors, dense_stack)
    except ReadoutError:
        return None


def task_of(data: TextPairs | LabelledTexts, seed: int) -> PairsTask | LabelsTask:
    """The task of this dataset."""
    return PairsTask(data, seed) if isinstance(data, TextPairs) else LabelsTask(data, seed)
