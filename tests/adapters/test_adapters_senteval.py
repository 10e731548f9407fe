"""SentEval's functions, called as its engine and its evaluators call them.

SentEval is no package that pip installs, so its calls are written out here.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import poolwise
from poolwise.adapters.senteval import functions
from poolwise.embedder import Embedder


class Engine:
    """What ``senteval.engine.SE`` does: keep both functions, hand them the parameters."""

    def __init__(self, params, batcher, prepare=None):
        self.params = SimpleNamespace(**params)
        self.batcher = batcher
        self.prepare = prepare or (lambda params, samples: None)

    def embeddings(self, samples):
        """As its evaluators do: prepare, then consecutive batches, stacked."""
        self.prepare(self.params, samples)
        size = self.params.batch_size
        batches = [samples[i : i + size] for i in range(0, len(samples), size)]
        return np.vstack([self.batcher(self.params, batch) for batch in batches])


@pytest.fixture(scope="module")
def folder(tiny):
    return str(tiny("bert"))


SAMPLES = [["the", "cat", "sat"], ["a", "dog", "ran", "over", "the", "hill"], [], ["two", "men"]]
TEXTS = ["the cat sat", "a dog ran over the hill", ".", "two men"]


@pytest.mark.parametrize("size", [1, 3, 128])
def test_batches_are_embedded_in_order(folder, size):
    engine = Engine({"batch_size": size, "kfold": 10}, *functions(Embedder(folder, "mean@-1")))
    expected = poolwise.load(folder).embed(TEXTS, "mean@-1")
    np.testing.assert_array_equal(engine.embeddings(SAMPLES), expected)


def test_fitted_steps_are_those_of_the_embedder(folder):
    embedder = Embedder(folder, "mean@-1|center").fit(TEXTS)
    engine = Engine({"batch_size": 2}, *functions(embedder))
    np.testing.assert_array_equal(engine.embeddings(SAMPLES), embedder.transform(TEXTS))


def test_steps_are_never_fitted_on_the_task(folder):
    engine = Engine({"batch_size": 2}, *functions(Embedder(folder, "mean@-1|center")))
    with pytest.raises(NotFittedError, match="call fit"):
        engine.embeddings(SAMPLES)
