"""What a classifier learns: texts with targets, their splits, and the scores of its outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.classifier.output_space import OutputSpace
from poolwise.errors import StudyError, listed
from poolwise.selection.classes import check_number, checked_classes
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.splits import MIN_ROWS, SHARES, RowIndices, Splits, split_rows
from poolwise.statistics.estimate import is_constant
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.texts.labels import label_set
from poolwise.tuning.records import Scores

METRICS: dict[LabelKind, str] = {
    "classification": "accuracy",
    "multilabel": "F1 of a text",
    "regression": "R²",
}
"""Every one is a mean over texts."""

DEV_SAMPLE = 500
"""The most rows of dev on which epochs and learning rates are chosen."""


class TuningTask:
    """LabelledTexts texts, divided into train, dev and test, and the metric of a classifier.

    ``targets``, a row a text: int64 [n], indices of ``output_space.labels``; float32 [n, labels] of
    0 and 1; or float32 [n]. ``groups`` [n]: equal numbers for texts that the encoder reads alike.
    ``dev_sample``: the rows of dev that are scored every epoch.
    """

    def __init__(self, data: LabelledTexts, kind: LabelKind, seed: int) -> None:
        """RowIndices without a declared split are divided by ``seed``, .6, .2 and .2 of them.

        Where no row of train has a label, the rows with it move to train, unless their split is
        declared. Raises StudyError where it is, and for labels that tell no texts apart.
        """
        self.name, self.hash, self.kind, self.texts = data.name, data.hash, kind, data.texts
        self.metric = METRICS[kind]
        self.output_space = OutputSpace(kind, _labels(data, kind))
        self.targets: NDArray[Any] = _targets(data, self.output_space)
        text_keys = duplicate_keys(data.texts, data.groups)
        self.groups: RowIndices = factorize(text_keys)
        splits = split_rows(data.splits, [(key,) for key in text_keys], SHARES, seed)
        if kind != "regression":
            splits = _with_all_labels_in_train(data, kind, splits, self.groups)
        self.splits = splits
        sample = np.random.default_rng(seed).permutation(self.splits.dev)[:DEV_SAMPLE]
        self.dev_sample: RowIndices = np.sort(sample)
        self._variance = self._variances() if kind == "regression" else np.empty(0)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def notes(self) -> Sequence[str]:
        """How the rows are divided."""
        notes = [*self.splits.notes]
        if len(self.dev_sample) < len(self.splits.dev):
            notes.append(
                f"epochs and learning rates chosen on {len(self.dev_sample)} of "
                f"{len(self.splits.dev):,} dev rows"
            )
        return notes

    def sizes(self, requested: Sequence[int | None]) -> list[int]:
        """Numbers of rows to train on, ascending and distinct; None, and more than train has, mean
        all of train. Raises StudyError for fewer than 2."""
        most = len(self.splits.train)
        sizes = sorted({most if n is None else min(n, most) for n in requested})
        if not sizes or sizes[0] < 2:
            raise StudyError(
                f"found the sizes {list(requested)}, expected numbers of rows from 2 on"
            )
        return sizes

    def subset(self, n: int, seed: int) -> RowIndices:
        """``n`` random rows of train, [n].

        A larger subset of the same seed begins with the smaller one. Rows that add a label come
        first, so that every label is there as soon as ``n`` allows.
        """
        permuted = np.random.default_rng(seed).permutation(self.splits.train)
        return np.concatenate(self._by_novelty(permuted))[:n]

    def scores(self, outputs: NDArray[Any], rows: RowIndices) -> Scores:
        """The score of each row, [m], from its outputs [m, k] (logits, or the number).

        Classification: 1 where the highest logit is the label's, else 0. Multilabel: F1 of the set
        of labels with a logit above 0; 1 where both sets are empty. Regression: 1 − (y − ŷ)² /
        variance of y in the row's split, whose mean is R². Outputs that are not finite score 0, or
        −∞ in a regression.
        """
        predicted, targets = np.asarray(outputs, np.float64), self.targets[rows]
        finite = np.isfinite(predicted).all(axis=1)
        if self.kind == "classification":
            return np.asarray(finite & (predicted.argmax(axis=1) == targets), np.float64)
        if self.kind == "multilabel":
            return np.where(finite, _f1(predicted > 0, targets > 0), 0.0)
        with np.errstate(invalid="ignore"):
            unexplained = (predicted[:, 0] - targets) ** 2 / self._variance[rows]
        return np.where(finite, 1 - unexplained, -np.inf)

    def _by_novelty(self, rows: RowIndices) -> tuple[RowIndices, RowIndices]:
        """The rows with a label that no earlier row has, and the remaining ones."""
        seen: set[int] = set()
        novel = np.zeros(len(rows), np.bool_)
        for i, row in enumerate(rows.tolist()):
            labels = self._label_indices(row)
            novel[i] = not labels <= seen
            seen |= labels
        return rows[novel], rows[~novel]

    def _label_indices(self, row: int) -> set[int]:
        if self.kind == "regression":
            return set()
        target = self.targets[row]
        return {int(target)} if self.kind == "classification" else {*np.flatnonzero(target)}

    def _variances(self) -> Scores:
        """The variance of the targets in each row's split, [n]."""
        variances = np.empty(len(self), np.float64)
        for name in ("train", "dev", "test"):
            rows: RowIndices = getattr(self.splits, name)
            y = self.targets[rows].astype(np.float64)
            if is_constant(y):
                raise StudyError(
                    f"{self.name}: all {len(rows):,} {name} rows have the number {y[0]:g}; a "
                    "regression needs numbers that differ. Is this the column? Name it with "
                    "--label-column"
                )
            variances[rows] = y.var()
        return variances


def _labels(data: LabelledTexts, kind: LabelKind) -> tuple[str, ...]:
    """In alphabetical order. Raises StudyError where they tell no texts apart."""
    if kind == "regression":
        return ()
    if kind == "classification":
        return tuple(checked_classes(data))
    sets = Counter(data.labels)
    labels = sorted({label for joined in sets for label in label_set(joined)})
    if len(sets) < 2:
        raise StudyError(
            f"{data.name}: every text has the same labels ({listed(labels) or 'none'}); there "
            "is nothing to tell apart"
        )
    check_number(data, len(labels))
    return tuple(labels)


def _targets(data: LabelledTexts, space: OutputSpace) -> NDArray[Any]:
    if space.kind == "regression":
        return np.array(data.labels, np.float32)
    index = {label: i for i, label in enumerate(space.labels)}
    if space.kind == "classification":
        return np.array([index[label] for label in data.labels], np.int64)
    targets = np.zeros((len(data), len(index)), np.float32)
    for row, joined in enumerate(data.labels):
        targets[row, [index[label] for label in label_set(joined)]] = 1
    return targets


def _with_all_labels_in_train(
    data: LabelledTexts, kind: LabelKind, splits: Splits, groups: RowIndices
) -> Splits:
    """The rows whose labels no row of train has, and those of the same texts, moved to train."""
    sets = [{label} if kind == "classification" else {*label_set(label)} for label in data.labels]
    declared = np.array([split in ("dev", "test") for split in data.splits])
    evaluated = np.concatenate([splits.dev, splits.test])
    movable = evaluated[~declared[evaluated]].tolist()
    trained = set().union(*(sets[i] for i in splits.train.tolist()))
    texts = {groups[i] for i in movable if not sets[i] <= trained}
    moved = [i for i in movable if groups[i] in texts]
    trained |= set().union(*(sets[i] for i in moved))
    _check_declared(
        data.name, Counter(x for i in evaluated[declared[evaluated]] for x in sets[i] - trained)
    )
    if not moved:
        return splits
    dev, test = (np.setdiff1d(rows, moved) for rows in (splits.dev, splits.test))
    if min(len(dev), len(test)) < MIN_ROWS:
        raise StudyError(
            f"{data.name}: too many labels name a single text; without these texts {len(dev)} dev "
            f"and {len(test)} test rows remain, of at least {MIN_ROWS}: give more rows"
        )
    note = (
        f"{len(moved):,} dev or test rows moved to train, which lacked their label: such labels "
        "are learned, but hardly or never scored"
    )
    train = np.union1d(splits.train, moved).astype(np.intp)
    return replace(splits, train=train, dev=dev, test=test, notes=(*splits.notes, note))


def _check_declared(name: str, untrained: Counter[str]) -> None:
    """Raises StudyError for labels of declared dev or test rows that no row of train has."""
    if not untrained:
        return
    shown = listed(f"{label!r} ({count:,})" for label, count in untrained.most_common())
    raise StudyError(
        f"{name}: dev or test has labels that no row of train has: {shown}; nothing can "
        "learn them. Add such rows to train, or correct or remove these"
    )


def _f1(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> Scores:
    """2 |A ∩ B| / (|A| + |B|) of each row [m, k]; 1 where both are empty."""
    both = 2 * (predicted & true).sum(axis=1)
    size = predicted.sum(axis=1) + true.sum(axis=1)
    return np.where(size > 0, both / np.maximum(size, 1), 1.0)
