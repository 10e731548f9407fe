"""Texts as training takes them: batches of similar length, in an order drawn for every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from poolwise.model import Model
from poolwise.records import Ints, Tokens
from poolwise.selection.splits import RowIndices
from poolwise.tuning.module import collate
from poolwise.tuning.task import Task

Item = tuple[Tokens, Any]

MOST_BATCHES, FEWEST_POOLS = 50, 4
"""Rows are sorted by length within so many batches, but never within more than a quarter of all."""


class Texts(Dataset[Item]):
    """Some ``rows`` of a task: their tokens and targets, the shortest first.

    ``given(values)`` puts values [n, …] of the texts as they lie here in the order of ``rows``.
    """

    def __init__(self, model: Model, task: Task, rows: RowIndices) -> None:
        found = model.tokenize([task.texts[row] for row in rows.tolist()])
        tokens = [text.windows[0] for text in found]
        self.lengths: Ints = np.array([len(text) for text in tokens], np.int32)
        self.order: RowIndices = np.argsort(self.lengths, kind="stable")
        self._rows, self._tokens, self._targets = rows, tokens, task.targets[rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> Item:
        row = int(self.order[at])
        return self._tokens[row], self._targets[row]

    @property
    def rows(self) -> RowIndices:
        """The task's rows as they lie here."""
        return self._rows[self.order]

    def given(self, values: NDArray[Any]) -> NDArray[Any]:
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored


class ShuffledTexts(Texts):
    """In an order drawn for each epoch, ``passes`` times through all rows; the order follows from
    the seed and the epoch's number alone: a training that goes on after a kill sees what it would
    have seen."""

    def __init__(
        self, model: Model, task: Task, rows: RowIndices, *, batch: int, seed: int, passes: int = 1
    ) -> None:
        super().__init__(model, task, rows)
        self._batch, self._seed, self._passes = batch, seed, passes
        self.set_epoch(0)

    def __len__(self) -> int:
        return len(self.order)

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate, in front of each epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        lengths = np.tile(self.lengths, self._passes)
        self.order = shuffled(lengths, self._batch, rng) % len(self.lengths)


def shuffled(lengths: Ints, batch: int, rng: np.random.Generator) -> RowIndices:
    """An order of all rows in which ``batch`` that follow each other are of similar length.

    Rows are permuted, sorted by length within pools of some batches, and the batches permuted. The
    last one, which may be smaller, holds any rows.
    """
    order = rng.permutation(len(lengths))
    last, order = np.split(order, [len(order) % batch])
    size = batch * max(min(len(order) // batch // FEWEST_POOLS, MOST_BATCHES), 1)
    pools = np.split(order, range(size, len(order), size))
    by_length = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = rng.permutation(by_length.reshape(-1, batch))
    return np.concatenate([batches.ravel(), last])


def collator(pad: int) -> Any:
    """What makes a batch of some items: ids, mask, words and labels."""
    return partial(_collated, pad=pad)


def _collated(items: Sequence[Item], pad: int) -> dict[str, Tensor]:
    tokens, targets = zip(*items, strict=True)
    return collate(tokens, np.stack(targets), pad)
