"""A text is embedded once a process and readout, in bounded memory, to the same bits."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import poolwise
from poolwise.embedder import Embedder
from poolwise.embedder.pooled_cache import CACHE, PooledCache
from poolwise.errors import PoolwiseWarning, TextError
from poolwise.readouts import parse

TEXTS = [f"the {word} sat on mat {i}" for i in range(10) for word in "cat dog tree bird".split()]


@pytest.fixture
def questions(banking):
    """Short ones, which the tiny model reads whole."""
    texts, kinds = banking
    return [text[:60] for text in texts], kinds


@pytest.fixture
def embedded(monkeypatch):
    """The texts that are embedded, one after another."""
    texts = []
    extract = poolwise.Model.extract

    def recorded(self, rows, *args, **options):
        texts.extend(getattr(row, "text", row) for row in rows)
        return extract(self, rows, *args, **options)

    monkeypatch.setattr(poolwise.Model, "extract", recorded)
    return texts


def test_a_grid_search_embeds_each_text_once_a_readout(folder, questions, embedded):
    texts, kinds = questions
    pipeline = make_pipeline(Embedder(folder), LogisticRegression())
    readouts = ["mean@-1", "mean@-1|whiten(8)", "mean@-1|l2", "cls@1"]
    grid = {"embedder__readout": readouts, "logisticregression__C": [0.1, 1, 10]}
    search = GridSearchCV(pipeline, grid, cv=5).fit(texts, kinds)
    assert len(embedded) == 2 * len(set(texts))  # mean@-1 and cls@1
    best = clone(pipeline).set_params(**search.best_params_)
    CACHE.clear()
    assert np.mean(cross_val_score(best, texts, kinds, cv=5)) == search.best_score_


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_the_bits_are_those_of_any_other_batch(folder, precision):
    embedder = Embedder(folder, "mean@-1", precision=precision)
    embedder.fit_transform(TEXTS[:7])
    embedder.transform(TEXTS[20:])
    mixed = embedder.transform(TEXTS[::-1] + TEXTS)
    expected = poolwise.load(folder).embed(TEXTS, "mean@-1", precision=precision)
    np.testing.assert_array_equal(mixed, np.concatenate([expected[::-1], expected]))


def test_on_the_other_engine_they_are_the_same_to_1e_6(tiny):
    embedder = Embedder(str(tiny("bert", hidden_act="tanh")), "mean@-1")
    assert embedder.loaded_model.engine.name == "transformers"
    embedder.fit_transform(TEXTS[:7])
    expected = embedder.loaded_model.embed(TEXTS, "mean@-1")
    np.testing.assert_allclose(embedder.transform(TEXTS), expected, atol=1e-6, rtol=0)


def test_warnings_count_the_texts_of_the_call(folder):
    embedder = Embedder(folder, "mean@-1", max_length=5).fit(TEXTS)
    for texts in (TEXTS, TEXTS[:3] * 2):
        with pytest.warns(PoolwiseWarning, match=f"{len(texts)} of {len(texts)} texts were cut"):
            embedder.transform(texts)


def test_an_error_names_the_row_of_the_call(folder):
    embedder = Embedder(folder, "mean@-1", max_length=8, long="error").fit(TEXTS)
    embedder.transform(TEXTS[:3])
    with pytest.raises(TextError, match=r"^text 3:"):
        embedder.transform([*TEXTS[:3], "a text of far too many words to be read whole", "short"])


def test_what_changes_the_vectors_is_told_apart(folder, tmp_path, embedded):
    mine = shutil.copytree(folder, tmp_path / "mine")
    Embedder(folder, "mean@-1").fit_transform(TEXTS)
    Embedder(str(mine), "mean@-1").fit_transform(TEXTS)  # the same weights
    assert len(embedded) == len(TEXTS)
    options = {"precision": "fast"}, {"max_length": 20}, {"long": "window"}, {"readout": "mean@1"}
    for changed in options:
        Embedder(str(mine)).set_params(**{"readout": "mean@-1", **changed}).fit_transform(TEXTS)
    assert len(embedded) == 5 * len(TEXTS)


def test_memory_is_bounded(folder):
    model, readout = poolwise.load(folder), parse("mean@-1")
    options = {"precision": "exact", "long": "truncate"}
    texts = [f"the cat sat on mat {i} " + "and the dog " * 5 for i in range(3000)]
    model.pooled(texts[:100], readout)
    cache = PooledCache(max_bytes=1 << 20)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for start in range(0, len(texts), 300):
        cache.pooled(model, texts[start : start + 300], readout, **options)
        assert 0 < cache.n_bytes <= cache.max_bytes
    del texts
    assert tracemalloc.get_traced_memory()[0] - before < cache.max_bytes
    tracemalloc.stop()


def test_what_was_used_longest_ago_goes_first(folder, embedded):
    model = poolwise.load(folder)
    cache = PooledCache(max_bytes=2 * len(TEXTS) * 1500)

    def passes(spec, texts):
        n = len(embedded)
        cache.pooled(model, texts, parse(spec), precision="exact", long="truncate")
        return len(embedded) - n

    assert passes("mean@-1", TEXTS) == passes("cls@-1", TEXTS) == len(TEXTS)
    assert passes("mean@-1", TEXTS) == 0
    assert passes("max@-1", TEXTS) == len(TEXTS)  # in place of cls@-1
    assert passes("mean@-1", TEXTS) == 0
    assert passes("cls@-1", TEXTS) == len(TEXTS)
    many = [f"{text} {word}" for text in TEXTS for word in "again and once".split()]
    assert passes("mean@-1", many) == passes("mean@-1", many) == len(many)
    assert cache.n_bytes <= cache.max_bytes


def test_threads_share_it(folder):
    embedder = Embedder(folder, "mean@-1").fit(TEXTS)
    expected = poolwise.load(folder).embed(TEXTS, "mean@-1")
    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(embedder.transform, [TEXTS] * 8):
            np.testing.assert_array_equal(vectors, expected)


def test_pickles_and_clones_hold_no_vectors(folder):
    embedder = Embedder(folder, "mean@-1").fit(TEXTS)
    size = len(pickle.dumps(embedder))
    embedder.transform(TEXTS)
    assert len(pickle.dumps(embedder)) == size < 2000
    assert not hasattr(clone(embedder), "transform_")


def test_memory_of_scikit_learn_is_respected(folder, questions, tmp_path, embedded):
    texts, kinds = questions
    pipeline = make_pipeline(
        Embedder(folder, "mean@-1"), LogisticRegression(), memory=str(tmp_path)
    )
    first = pipeline.fit(texts, kinds).predict_proba(texts)
    CACHE.clear()
    n = len(embedded)
    again = clone(pipeline).fit(texts, kinds)
    assert len(embedded) == n  # fitted and transformed by joblib's file
    np.testing.assert_array_equal(again.predict_proba(texts), first)


def test_joblib_hashes_an_embedder_by_its_parameters(folder, monkeypatch):
    own = joblib.hash(Embedder(folder, "mean@-1"))
    code = "import joblib; from poolwise import Embedder; "
    code += f"print(joblib.hash(Embedder({folder!r}, 'mean@-1')))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert own == other.stdout.strip() != joblib.hash(Embedder(folder, "cls@-1"))
    monkeypatch.setattr(poolwise.Model, "load", None)  # no model is read for it
    assert joblib.hash(Embedder("elsewhere")) != own
