"""Probes on frozen vectors read what training reads."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.tuning import frozen_probes
from poolwise.tuning.records import TrainingOptions
from poolwise.tuning.run_store import RunStore, fingerprint
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import parse_trainable

OPTIONS = TrainingOptions(epochs=1, batch_size=8, rates=(3e-3, 1e-3), steps=0)


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def task(animals):
    return TuningTask(animals(), "classification", 0)


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_the_frozen_probe_reads_what_training_reads(model, animals, kind):
    task = TuningTask(animals(kind), kind, 0)
    readouts = ["mean@-1", "attention@-1", "token[9]@-1"]
    asked = [parse_trainable(spec, model.depth) for spec in readouts]
    store, all_ = RunStore(None, fingerprint(model, task), OPTIONS, 1), len(task.splits.train)
    made = frozen_probes.frozen_probes(
        model, task, asked, [20, all_], 2, store=store, workers=1, progress=False
    )
    scores = {(f.readout, f.n, f.seed): f.test_scores for f in made}
    assert len(scores) == 12
    assert all(s.shape == task.splits.test.shape for s in scores.values())
    np.testing.assert_array_equal(scores["mean@-1", 20, 1], scores["attention@-1", 20, 1])
    # All of train is the same rows, whoever draws them.
    np.testing.assert_array_equal(scores["mean@-1", all_, 0], scores["mean@-1", all_, 1])
    assert scores["mean@-1", all_, 0].mean() > 0.1


def test_a_token_that_a_text_lacks_is_sep(model, task):
    trainable = parse_trainable("token[9]@-1", model.depth)
    probe = (trainable, len(task.splits.train), 0)
    cache = frozen_probes._cached_vectors(model, task, [probe], progress=False)
    rows = np.concatenate([task.splits.train, task.splits.test])
    vectors = frozen_probes._vectors(task, cache, trainable.initial, rows)
    texts = [task.texts[row] for row in rows.tolist()]
    lengths = np.array([text.n_tokens for text in model.tokenize(texts)])
    expected = np.where(
        (lengths > 9)[:, None],
        np.nan_to_num(model.embed(texts, "max@-1")),
        model.embed(texts, "sep@-1"),
    )
    assert (lengths <= 9).any()
    np.testing.assert_allclose(vectors[lengths <= 9], expected[lengths <= 9], rtol=1e-5, atol=1e-6)
    assert np.isfinite(vectors).all()
