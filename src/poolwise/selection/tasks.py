"""What vectors are good for, row by row: pairs that people scored, texts with labels.

A task turns the vectors of its texts into one number a row: the cosine of a pair, or whether a
frozen linear probe names the right label. A ``Measure`` (see ``scores``) makes scores of those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.errors import ReadoutError, StudyError
from poolwise.readouts import Readout
from poolwise.records import Floats
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.scores import Correlations, Measure, Shares
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
"""Of train, dev and test."""
PAIR_SHARES = (0.2, 0.4, 0.4)
"""The same of pairs, of which only steps learn."""


class Task(Protocol):
    """``name`` of the data, ``score`` (what is measured), ``learns`` (labels are learned on train),
    ``splits``, and the rows' texts. ``groups`` numbers these as the encoder tells them apart, [n]
    or, of pairs, [n, 2]."""

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
        """Every text of every row."""
        ...

    @property
    def train_texts(self) -> Sequence[str]:
        """Those of the rows of train."""
        ...

    def column(self, cache: VectorCache, vectors: Floats, steps: Readout | None = None) -> Array:
        """A number a row, [n], from the vectors of the shelf's texts; NaN where there is none.

        The steps of ``steps`` are fitted on the texts of train.
        """
        ...

    def measure(self, columns: Array, rows: RowIndices) -> Measure:
        """Scores of these rows under every column of [n, c]."""
        ...


class PairsTask:
    """Spearman's rho between the cosine of a pair and the score that people gave it."""

    score = "Spearman"
    learns = False

    def __init__(self, pairs: TextPairs, seed: int, learned: Sequence[str] | None = None) -> None:
        """Steps are fitted on ``learned``, or on the texts of the train pairs."""
        self.name, self.pairs, self._learned = pairs.name, pairs, learned
        known = duplicate_keys([*pairs.first, *pairs.second], pairs.groups)
        self.groups = factorize(known).reshape(2, -1).T
        both = list(zip(known[: len(pairs)], known[len(pairs) :], strict=True))
        self.splits = split_rows(pairs.splits, both, PAIR_SHARES, seed)
        for name in ("dev", "test"):
            if is_constant(pairs.scores[getattr(self.splits, name)]):
                raise StudyError(
                    f"{self.name}: the {name} pairs all have the score "
                    f"{pairs.scores[getattr(self.splits, name)][0]:g}; a correlation needs scores "
                    "that differ"
                )

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def texts(self) -> Sequence[str]:
        return [*self.pairs.first, *self.pairs.second, *(self._learned or ())]

    @property
    def train_texts(self) -> Sequence[str]:
        if self._learned is not None:
            return self._learned
        sides = (self.pairs.first, self.pairs.second)
        return [side[i] for i in self.splits.train.tolist() for side in sides]

    def column(self, cache: VectorCache, vectors: Floats, steps: Readout | None = None) -> Array:
        first, second = cache.rows(self.pairs.first), cache.rows(self.pairs.second)
        if steps is not None and steps.steps:
            learned = np.unique(cache.rows(self.train_texts))
            fitted = _fitted(steps, vectors[learned[cache.usable[learned]]], cache.dense_stack)
            if fitted is None:
                return np.full(len(self), np.nan)
            asked, at = np.unique(np.concatenate([first, second]), return_inverse=True)
            a, b = np.split(fitted.apply(vectors[asked])[at], 2)
        else:
            a, b = vectors[first], vectors[second]
        cosines = _cosines(a, b)
        cosines[~(cache.usable[first] & cache.usable[second])] = np.nan
        return cosines

    def measure(self, columns: Array, rows: RowIndices) -> Measure:
        known = rows[np.isfinite(columns[rows]).any(axis=1)]
        scores = self.pairs.scores[known]
        return Correlations(np.nan_to_num(columns[known]), scores, self.groups[known])


class LabelsTask:
    """Accuracy of a frozen linear probe: a penalised linear discriminant.

    Its penalty comes from an exact cross-validation over five folds of train, apart by text.
    """

    score = "accuracy"
    learns = True

    def __init__(self, data: LabelledTexts, seed: int) -> None:
        self.name, self.data, self._seed = data.name, data, seed
        known = duplicate_keys(data.texts, data.groups)
        self.groups = factorize(known)
        self.splits = split_rows(data.splits, [(key,) for key in known], SHARES, seed)
        self.classes = checked_classes(data)
        absent = set(data.labels) - {data.labels[i] for i in self.splits.train.tolist()}
        self.unseen = sorted(absent)

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
        """The number of each row's label, [n]."""
        number = {label: i for i, label in enumerate(self.classes)}
        return np.array([number[label] for label in self.data.labels], np.intp)

    @cached_property
    def one_hot(self) -> Array:
        """[n, classes]."""
        return np.eye(len(self.classes))[self.targets]

    def column(self, cache: VectorCache, vectors: Floats, steps: Readout | None = None) -> Array:
        rows = cache.rows(self.data.texts)
        x = vectors[rows]
        usable = cache.usable[rows] & np.isfinite(x).all(axis=1)
        if steps is not None and steps.steps:
            fitted = _fitted(
                steps, x[self.splits.train[usable[self.splits.train]]], cache.dense_stack
            )
            if fitted is None:
                return np.full(len(self), np.nan)
            x = fitted.apply(x)
        return self.hits(x, usable, self.targets)

    def hits(
        self, x: Floats | Array, usable: NDArray[np.bool_], targets: NDArray[np.intp]
    ) -> Array:
        """Whether a probe trained on train's rows of x [n, d] names each later row's target."""
        train = self.splits.train[usable[self.splits.train]]
        later = np.concatenate([self.splits.dev, self.splits.test])
        found = np.full(len(x), np.nan)
        found[later] = 0.0
        folds = assign_folds(self.groups[train], FOLDS, self._seed)
        one_hot = np.eye(len(self.classes))[targets]
        moments = []
        for fold in range(FOLDS):
            own = train[folds == fold]
            moments.append(Moments(x.shape[1] + len(self.classes)))
            moments[-1].add(np.hstack([x[own], one_hot[own]]))
        probe = Discriminant(moments, targets=len(self.classes))
        asked = later[usable[later]]
        found[asked] = probe.predict(x[asked]) == targets[asked]
        return found

    def measure(self, columns: Array, rows: RowIndices) -> Measure:
        return Shares(columns[rows], self.groups[rows])


def _cosines(a: Floats, b: Floats) -> Array:
    """Of corresponding rows [n, d], [n]; NaN where one is zero or not finite."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    product = np.einsum("nd,nd->n", x, y)
    size = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(size > 0, product / size, np.nan))


def _fitted(readout: Readout, vectors: Floats, dense_stack: DenseStack | None) -> Transform | None:
    """None where the vectors lack the directions that a step asks for, as where all are equal."""
    try:
        return fit(readout, vectors, dense_stack)
    except ReadoutError:
        return None


def checked_classes(data: LabelledTexts) -> list[str]:
    """The labels, in order of the alphabet. Raises StudyError where they tell no texts apart."""
    counts = Counter(data.labels)
    if len(counts) < 2:
        only = next(iter(counts), "")
        raise StudyError(
            f"{data.name}: every text has the label {only!r}; what learns from labels "
            "tells at least two of them apart"
        )
    check_number(data, len(counts))
    return sorted(counts)


def check_number(data: LabelledTexts, labels: int) -> None:
    """Raise StudyError for so many labels that they seem to be something else."""
    if labels > len(data) / 2:
        raise StudyError(
            f"{data.name}: {labels:,} labels for {len(data):,} texts; a label should "
            "name many texts. Is this the label column? Name it with --label-column"
        )


def task_of(data: TextPairs | LabelledTexts, seed: int) -> PairsTask | LabelsTask:
    """The task that these data pose."""
    return PairsTask(data, seed) if isinstance(data, TextPairs) else LabelsTask(data, seed)
