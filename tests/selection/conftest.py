"""A selection of vectors that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.readouts import parse
from poolwise.selection.candidates import candidates_of
from poolwise.selection.selection import Selection
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.texts import LabelledTexts


class Encoder:
    """What a selection asks of an encoder."""

    name, depth, width = "drawn", 12, 8
    declared = None


class Cache(dict):
    """What tasks read of a vector cache: vectors by readout of texts that are row numbers."""

    dense_stack = None

    def __init__(self, vectors):
        super().__init__(vectors)
        self.usable = np.ones(len(next(iter(vectors.values()))), np.bool_)

    def rows(self, texts):
        return np.array([int(text) for text in texts])


def regression_of(n, noise=0.5, seed=0):
    """A selection of three readouts whose vectors tell the numbers more and more exactly."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 12)).astype(np.float32)
    numbers = x[:, :10] @ np.linspace(1, 2, 10) + noise * rng.standard_normal(n)
    texts = tuple(map(str, range(n)))
    data = LabelledTexts("numbers", texts, tuple(map(str, numbers)), ("",) * n, hash="x")
    widths = {"mean@-1": 4, "mean@1": 8, "mean@2": 12}
    cache = Cache({name: x[:, :width] for name, width in widths.items()})
    task = RegressionTask(data, 0)
    candidates = candidates_of(Encoder(), list(map(parse, widths)), cache)
    columns = [task.row_scores(cache, cache[name], parse(name)) for name in widths]
    return Selection(
        candidates, task, (), list(widths.values()), np.stack(columns, axis=1), np.zeros(n)
    )


def classes_of(n, seed=0):
    """A selection of two readouts of two classes; the second's vectors tell more of them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 12)).astype(np.float32)
    positive = x @ np.linspace(0, 1, 12) + rng.standard_normal(n) > 0
    texts = tuple(map(str, range(n)))
    labels = tuple("yes" if p else "no" for p in positive)
    data = LabelledTexts("classes", texts, labels, ("",) * n, hash="y")
    widths = {"mean@-1": 8, "mean@1": 12}
    cache = Cache({name: x[:, :width] for name, width in widths.items()})
    task = LabelsTask(data, 0)
    candidates = candidates_of(Encoder(), list(map(parse, widths)), cache)
    columns = [task.row_scores(cache, cache[name], parse(name)) for name in widths]
    scores, chance = np.stack(columns, axis=1), task.chance_scores()
    return Selection(candidates, task, (), list(widths.values()), scores, chance)


@pytest.fixture
def class_selection():
    """Makes one of n rows."""
    return classes_of


@pytest.fixture
def regression_selection():
    """Makes one of n rows."""
    return regression_of
