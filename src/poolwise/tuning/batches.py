"""Torch datasets of tokenised texts, in batches of similar length, shuffled every epoch."""

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
from poolwise.tuning.classifier_module import collate
from poolwise.tuning.task import TuningTask

Item = tuple[Tokens, Any]

MAX_POOL_BATCHES, MIN_POOLS = 50, 4
"""Rows are sorted by length within pools of up to 50 batches, and of a quarter of all at most."""


class TokenizedTexts(Dataset[Item]):
    """Tokens and targets of a task's ``rows``, the shortest text first."""

    def __init__(self, model: Model, task: TuningTask, rows: RowIndices) -> None:
        texts = model.tokenize([task.texts[row] for row in rows.tolist()])
        tokens = [text.windows[0] for text in texts]
        self.lengths: Ints = np.array([len(text) for text in tokens], np.int32)
        self.order: RowIndices = np.argsort(self.lengths, kind="stable")
        self._rows, self._tokens, self._targets = rows, tokens, task.targets[rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, i: int) -> Item:
        row = int(self.order[i])
        return self._tokens[row], self._targets[row]

    @property
    def rows(self) -> RowIndices:
        """The task's rows in the order of this data set."""
        return self._rows[self.order]

    def in_row_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """``values`` [n, …], one an item of this data set, in the order of the rows given."""
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored


class ShuffledTexts(TokenizedTexts):
    """Passes through all rows ``passes`` times an epoch, in an order drawn for each epoch.

    The order depends on ``seed`` and the number of the epoch alone, so that a resumed training sees
    the batches that it would have seen.
    """

    def __init__(
        self,
        model: Model,
        task: TuningTask,
        rows: RowIndices,
        *,
        batch_size: int,
        seed: int,
        passes: int = 1,
    ) -> None:
        super().__init__(model, task, rows)
        self._batch_size, self._seed, self._passes = batch_size, seed, passes
        self.set_epoch(0)

    def __len__(self) -> int:
        return len(self.order)

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate before each epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        lengths = np.tile(self.lengths, self._passes)
        self.order = shuffled(lengths, self._batch_size, rng) % len(self.lengths)


def shuffled(lengths: Ints, batch_size: int, rng: np.random.Generator) -> RowIndices:
    """A random order of all rows, whose batches hold texts of similar length.

    Rows are permuted, sorted by length within pools of several batches, and the batches permuted.
    The last one, which may be smaller, holds rows of any length.
    """
    order = rng.permutation(len(lengths))
    last, order = np.split(order, [len(order) % batch_size])
    size = batch_size * max(min(len(order) // batch_size // MIN_POOLS, MAX_POOL_BATCHES), 1)
    pools = np.split(order, range(size, len(order), size))
    by_length = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = rng.permutation(by_length.reshape(-1, batch_size))
    return np.concatenate([batches.ravel(), last])


def collator(pad: int) -> Any:
    """A function from items to a batch of ids, mask, words and labels; ``pad`` is a token's id."""
    return partial(_collate, pad=pad)


def _collate(items: Sequence[Item], pad: int) -> dict[str, Tensor]:
    tokens, targets = zip(*items, strict=True)
    return collate(tokens, np.stack(targets), pad)
