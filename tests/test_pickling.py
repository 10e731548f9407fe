"""Models in other processes: pickled by their folder or by value, copied, sent to workers."""

from __future__ import annotations

import copy
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from operator import methodcaller
from types import MappingProxyType

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn

import poolwise
from poolwise import Embedder, encoders, errors
from poolwise.embedder import NotOfferedError, NotTextsError
from poolwise.encoders.arrangement import ARRANGEMENTS
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.encoders.variants.reinitialize import reinitialize, with_random_pooler
from poolwise.encoders.variants.truncate_depth import truncate_depth
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.errors import EncoderError
from poolwise.model import _read_again

TEXTS = ["the cat sat on the mat", "a dog", "one big bird ran over the old hill"]
EMBED = methodcaller("embed", TEXTS, "mean@-1")


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny("bert"), tmp_path / "model")


@pytest.fixture(autouse=True)
def _forget():
    _read_again.cache_clear()
    yield
    _read_again.cache_clear()


def weights(model):
    return sum(tensor.nbytes for tensor in model.tensors.values())


def exchange(folder, tiny):
    """Put another model into the folder."""
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()  # as every writer does: the old one is still mapped to memory
        shutil.copy(tiny("bert", intermediate_size=48) / name, folder)


def assert_same(found, model):
    assert type(found) is type(model)
    assert found.hash == model.hash
    for field in fields(model):
        if field.name not in ("tensors", "tokenizer", "config"):
            assert getattr(found, field.name) == getattr(model, field.name), field.name
    assert not any(tensor.flags.writeable for tensor in found.tensors.values())
    expected = [text.windows[0].ids.tolist() for text in model.tokenize(TEXTS)]
    assert [text.windows[0].ids.tolist() for text in found.tokenize(TEXTS)] == expected
    if isinstance(model, poolwise.Model):
        np.testing.assert_array_equal(EMBED(found), EMBED(model))


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_a_pickle_names_the_folder(folder, used):
    model = replaced = poolwise.load(folder, max_length=24)
    if used:
        EMBED(model)
        list(model.token_outputs(TEXTS, attentions=True))
    held = pickle.dumps(model)
    assert len(held) < 1000
    assert_same(pickle.loads(held), replaced)


@pytest.mark.parametrize("family", ["roberta", "albert", "modernbert", "deberta-v2"])
def test_every_family_by_value(tiny, family):
    model = reinitialize(poolwise.load(tiny(family)), 3)
    held = pickle.dumps(model)
    assert len(held) > weights(model)
    assert_same(pickle.loads(held), model)


@pytest.mark.parametrize(
    "made",
    [
        *(lambda model, name=name: rearrange(model, name) for name in ARRANGEMENTS),
        lambda model: reinitialize(model, 1),
        lambda model: with_random_pooler(model, 1),
        lambda model: truncate_depth(model, 2),
        lambda model: replace(model, max_length=20),
        lambda model: rearrange(reinitialize(model, 1), "swapped"),
    ],
)
def test_what_no_folder_holds_is_pickled_by_value(folder, made):
    model = made(poolwise.load(folder))
    EMBED(model)
    held = pickle.dumps(model)
    assert len(held) > weights(model)
    shutil.rmtree(folder)
    assert_same(pickle.loads(held), model)


def test_an_encoder_without_engine_too(folder):
    encoder = encoders.load(folder)
    assert_same(pickle.loads(pickle.dumps(encoder)), encoder)


@pytest.mark.parametrize("change", ["gone", "touched", "another"])
def test_where_the_folder_has_changed_the_weights_are_pickled(folder, tiny, change):
    model = poolwise.load(folder)
    if change == "gone":
        shutil.rmtree(folder)
    elif change == "touched":
        (folder / "more.txt").write_text("")
    else:
        exchange(folder, tiny)
    assert_same(pickle.loads(pickle.dumps(model)), model)


def test_a_folder_that_changes_later_is_noticed(folder, tiny):
    model = poolwise.load(folder)
    held = pickle.dumps(model)
    exchange(folder, tiny)
    with pytest.raises(EncoderError, match=f"pickled with the hash {model.hash[:12]}, but .*model"):
        pickle.loads(held)
    shutil.rmtree(folder)
    with pytest.raises(EncoderError, match="model"):
        pickle.loads(held)


def test_a_changed_pickle_is_noticed(tiny):
    model = reinitialize(poolwise.load(tiny("bert")), 1)
    other = reinitialize(model, 2)
    made, (kind, _, hash_) = model.__reduce__()
    _, (_, written, _) = other.__reduce__()
    with pytest.raises(EncoderError, match=r"pickled with the hash .* but this pickle gives"):
        made(kind, written, hash_)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, sklearn.clone], ids=["copy", "deepcopy", "clone"]
)
def test_copies_share_weights_and_engines(tiny, copied):
    model = poolwise.load(tiny("bert"))
    expected = EMBED(model)
    twin = copied(model, safe=False) if copied is sklearn.clone else copied(model)
    assert twin is not model
    assert twin.tensors is model.tensors
    assert isinstance(twin.tensors, MappingProxyType)
    assert twin.engine is model.engine
    np.testing.assert_array_equal(EMBED(twin), expected)
    assert copy.deepcopy({"a": [model, model]})["a"][0].hash == model.hash


def test_spawned_workers_take_it(tiny):
    models = [poolwise.load(tiny("bert")), rearrange(poolwise.load(tiny("bert")), "moved")]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for model, found in zip(models, pool.map(EMBED, models), strict=True):
            np.testing.assert_array_equal(found, EMBED(model))


def test_joblib_takes_it(tiny):
    model = poolwise.load(tiny("bert"))
    work = [joblib.delayed(model.embed)(text, "mean@-1") for text in TEXTS]
    found = joblib.Parallel(n_jobs=2)(work)
    np.testing.assert_array_equal(found, EMBED(model))


def test_a_worker_that_is_sent_it_often_reads_it_once(tiny):
    held = pickle.dumps(poolwise.load(tiny("bert")))
    assert pickle.loads(held) is pickle.loads(held)


def test_a_prompt_travels_along(tiny):
    model = poolwise.load(tiny("bert"))
    for one in (model.prompted("the cat: "), reinitialize(model, 1).prompted("the cat: ")):
        found = pickle.loads(pickle.dumps(one))
        assert_same(found, one)
        assert found.prompt == "the cat: "
    assert len(pickle.dumps(model.prompted("the cat: "))) < 1000


def test_a_relative_folder_is_found_from_another_place(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder.parent)
    model = poolwise.load("model")
    held = pickle.dumps(model)
    monkeypatch.chdir("/")
    assert pickle.loads(held).hash == model.hash


def test_cloudpickle_takes_it(tiny):
    model = poolwise.load(tiny("bert"))
    held = cloudpickle.dumps(lambda text: model.embed(text, "mean@-1"))
    assert len(held) < 3000
    np.testing.assert_array_equal(pickle.loads(held)(TEXTS), EMBED(model))


def test_an_embedder_holds_no_weights_wherever_it_goes(tiny):
    embedder = Embedder(tiny("bert"), "mean@-1|center").fit(TEXTS)
    expected = embedder.transform(TEXTS)
    for made in (copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        np.testing.assert_array_equal(made.transform(TEXTS), expected)
    assert len(pickle.dumps(embedder)) < 3000
    (found,) = joblib.Parallel(n_jobs=2)([joblib.delayed(embedder.transform)(TEXTS)])
    np.testing.assert_array_equal(found, expected)


def test_the_transformers_engine_stays_at_home(tiny):
    """As any engine: the copy makes its own, and vectors are the same but for rounding."""
    model = poolwise.load(tiny("bert"))
    model.shared["engines"] = {"exact": TransformersEngine(model)}
    vectors = EMBED(model)
    held = pickle.dumps(model)
    assert len(held) < 1000
    np.testing.assert_allclose(EMBED(pickle.loads(held)), vectors, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(EMBED(copy.deepcopy(model)), vectors)


ERRORS = [
    errors.EncoderError("m: no such folder"),
    errors.ReadoutError("no such layer", "mean@x", 5),
    errors.RowError(3, "is no text"),
    errors.MissingExtraError("a thing", "torch"),
    errors.OptionError("long is 3"),
    NotOfferedError("x"),
    NotTextsError("y"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_workers_send_errors_home(error):
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_a_worker_without_the_folder_says_so(folder):
    model = poolwise.load(folder)
    work = joblib.delayed(model.embed)(TEXTS, "mean@-1")
    held = pickle.dumps(work)
    shutil.rmtree(folder)
    with pytest.raises(EncoderError, match="model"):
        pickle.loads(held)
