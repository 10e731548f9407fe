"""What is to be told of texts: the label, the labels or the number; and how well it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.classifier.output_space import OutputSpace
from poolwise.errors import StudyError, listed
from poolwise.selection.duplicates import duplicate_keys, factorize
from poolwise.selection.splits import MIN_ROWS, RowIndices, Splits, split_rows
from poolwise.selection.tasks import SHARES, check_number, checked_classes
from poolwise.statistics.estimate import is_constant
from poolwise.texts import LabelledTexts
from poolwise.texts.label_columns import LabelKind
from poolwise.texts.labels import label_set
from poolwise.tuning.records import Scores

SCORES: dict[LabelKind, str] = {
    "classification": "accuracy",
    "multilabel": "F1 of a text",
    "regression": "R²",
}
"""What is measured; every one is a mean over texts."""

CHOOSING = 500
"""Rows of dev, at most, on which epochs and learning rates are chosen."""


class Task:
    """Texts, and what a classifier is to tell of them.

    ``targets``, a row a text: int64 [n], indices of ``output_space.labels``; float32 [n, labels] of
    0 and 1; or float32 [n]. ``splits``: what is learned from, chosen on, reported
    on. ``groups`` [n] numbers texts that the encoder tells apart. ``choosing``: rows of dev, few
    enough to be scored every epoch.
    """

    def __init__(self, data: LabelledTexts, kind: LabelKind, seed: int) -> None:
        """Rows whose part nobody declared are divided by ``seed``, .6, .2 and .2 of them.

        Where a label stands in no row of train, rows with it go there, if nobody declared their
        part. Raises StudyError where they were declared, and where labels cannot be told apart.
        """
        self.name, self.hash, self.kind, self.texts = data.name, data.hash, kind, data.texts
        self.score = SCORES[kind]
        self.output_space = OutputSpace(kind, _labels(data, kind))
        self.targets: NDArray[Any] = _targets(data, self.output_space)
        known = duplicate_keys(data.texts, data.groups)
        self.groups: RowIndices = factorize(known)
        splits = split_rows(data.splits, [(key,) for key in known], SHARES, seed)
        self.splits = splits if kind == "regression" else _seen(data, kind, splits, self.groups)
        dev = np.random.default_rng(seed).permutation(self.splits.dev)[:CHOOSING]
        self.choosing: RowIndices = np.sort(dev)
        self._variance = self._variances() if kind == "regression" else np.empty(0)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def notes(self) -> Sequence[str]:
        """How the rows were divided."""
        notes = [*self.splits.notes]
        if len(self.choosing) < len(self.splits.dev):
            notes.append(
                f"epochs and learning rates chosen on {len(self.choosing)} of "
                f"{len(self.splits.dev):,} dev rows"
            )
        return notes

    def sizes(self, asked: Sequence[int | None]) -> list[int]:
        """How many rows to learn from, in order and each once; None, and more than there are, mean
        all of train. Raises StudyError for fewer than 2."""
        most = len(self.splits.train)
        sizes = sorted({most if n is None else min(n, most) for n in asked})
        if not sizes or sizes[0] < 2:
            raise StudyError(f"found the sizes {list(asked)}, expected numbers of rows from 2 on")
        return sizes

    def subset(self, n: int, seed: int) -> RowIndices:
        """``n`` rows of train, [n], in the order drawn.

        A larger subset of the same seed begins with the smaller one. Rows that bring a new label
        come first, so that every label is there as soon as ``n`` allows.
        """
        drawn = np.random.default_rng(seed).permutation(self.splits.train)
        return np.concatenate(self._by_news(drawn))[:n]

    def scores(self, outputs: NDArray[Any], rows: RowIndices) -> Scores:
        """How well the outputs [m, k] (logits) tell the targets of ``rows`` [m], each on its own.

        Right or wrong; F1 of the set of labels with an output above 0, which is 1 where both sets
        are empty; or 1 − (y − ŷ)² / variance of y in the row's part, whose mean is R². Outputs
        that are not finite score 0, or −∞.
        """
        found, targets = np.asarray(outputs, np.float64), self.targets[rows]
        finite = np.isfinite(found).all(axis=1)
        if self.kind == "classification":
            return np.asarray(finite & (found.argmax(axis=1) == targets), np.float64)
        if self.kind == "multilabel":
            return np.where(finite, _f1(found > 0, targets > 0), 0.0)
        with np.errstate(invalid="ignore"):
            lost = (found[:, 0] - targets) ** 2 / self._variance[rows]
        return np.where(finite, 1 - lost, -np.inf)

    def _by_news(self, drawn: RowIndices) -> tuple[RowIndices, RowIndices]:
        """Rows that hold a label which none before held, and the others."""
        seen: set[int] = set()
        news = np.zeros(len(drawn), np.bool_)
        for at, row in enumerate(drawn.tolist()):
            own = self._label_numbers(row)
            news[at] = not own <= seen
            seen |= own
        return drawn[news], drawn[~news]

    def _label_numbers(self, row: int) -> set[int]:
        if self.kind == "regression":
            return set()
        target = self.targets[row]
        return {int(target)} if self.kind == "classification" else {*np.flatnonzero(target)}

    def _variances(self) -> Scores:
        """Of the targets in each row's part, [n]."""
        found = np.empty(len(self), np.float64)
        for name in ("train", "dev", "test"):
            rows: RowIndices = getattr(self.splits, name)
            y = self.targets[rows].astype(np.float64)
            if is_constant(y):
                raise StudyError(
                    f"{self.name}: all {len(rows):,} {name} rows have the number {y[0]:g}; a "
                    "regression needs numbers that differ. Is this the column? Name it with "
                    "--label-column"
                )
            found[rows] = y.var()
        return found


def _labels(data: LabelledTexts, kind: LabelKind) -> tuple[str, ...]:
    """In order of the alphabet. Raises StudyError where they tell no texts apart."""
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


def _targets(data: LabelledTexts, output_space: OutputSpace) -> NDArray[Any]:
    if output_space.kind == "regression":
        return np.array(data.labels, np.float32)
    number = {label: i for i, label in enumerate(output_space.labels)}
    if output_space.kind == "classification":
        return np.array([number[label] for label in data.labels], np.int64)
    targets = np.zeros((len(data), len(number)), np.float32)
    for row, joined in enumerate(data.labels):
        targets[row, [number[label] for label in label_set(joined)]] = 1
    return targets


def _seen(data: LabelledTexts, kind: LabelKind, splits: Splits, groups: RowIndices) -> Splits:
    """``splits``, with every label in train: nobody can tell what he has not seen."""
    sets = [{label} if kind == "classification" else {*label_set(label)} for label in data.labels]
    told = np.array([part in ("dev", "test") for part in data.splits])
    later = np.concatenate([splits.dev, splits.test])
    known = set().union(*(sets[i] for i in splits.train.tolist()))
    lone = [i for i in later[~told[later]].tolist() if not sets[i] <= known]
    # Rows that share a text stay together.
    texts = {groups[i] for i in lone}
    moved = [i for i in later[~told[later]].tolist() if groups[i] in texts]
    known |= set().union(*(sets[i] for i in moved))
    _refuse_unseen(data.name, Counter(x for i in later[told[later]] for x in sets[i] - known))
    if not moved:
        return splits
    dev, test = (np.setdiff1d(part, moved) for part in (splits.dev, splits.test))
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


def _refuse_unseen(name: str, unseen: Counter[str]) -> None:
    if not unseen:
        return
    shown = listed(f"{label!r} ({count:,})" for label, count in unseen.most_common())
    raise StudyError(
        f"{name}: dev or test has labels that no row of train has: {shown}; nothing can "
        "learn them. Add such rows to train, or correct or remove these"
    )


def _f1(named: NDArray[np.bool_], true: NDArray[np.bool_]) -> Scores:
    """2 |A ∩ B| / (|A| + |B|) of each row [m, k]; 1 where both are empty."""
    both = 2 * (named & true).sum(axis=1)
    size = named.sum(axis=1) + true.sum(axis=1)
    return np.where(size > 0, both / np.maximum(size, 1), 1.0)
