"""poolwise.Embedder in scikit-learn's hands."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from datasets import Dataset
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import poolwise
from poolwise.embedder import Embedder, NotOfferedError, NotTextsError, model_cache
from poolwise.errors import EncoderError, OptionError, PoolwiseWarning, ReadoutError

TEXTS = [f"the {word} sat on the mat" for word in "cat dog tree bird man woman child house".split()]


def test_the_vectors_are_those_of_the_model(folder):
    made = Embedder(folder, "mean@-1").fit(TEXTS).transform(TEXTS)
    np.testing.assert_array_equal(made, poolwise.load(folder).embed(TEXTS, "mean@-1"))
    assert made.dtype == np.float32


def test_steps_learn_from_the_texts_of_fit(folder):
    model, spec = poolwise.load(folder), "mean@-1|whiten(3)|l2"
    embedder = Embedder(folder, spec).fit(TEXTS)
    new = ["one small tree", "two men"]
    np.testing.assert_allclose(embedder.transform(new), model.embed(new, spec, fit=TEXTS))
    both = clone(embedder).fit_transform(TEXTS)
    np.testing.assert_array_equal(both, embedder.transform(TEXTS))


def test_fit_transform_passes_over_the_texts_once(folder, monkeypatch):
    passes = []
    extract = poolwise.Model.extract
    counted = lambda *a, **k: passes.append(1) or extract(*a, **k)  # noqa: E731
    monkeypatch.setattr(poolwise.Model, "extract", counted)
    Embedder(folder, "mean@-1|center").fit_transform(TEXTS)
    assert len(passes) == 1
    Embedder(folder, "mean@-1").fit(TEXTS)
    assert len(passes) == 1


def test_options_reach_the_model(folder):
    with pytest.warns(PoolwiseWarning, match="were cut to 5 tokens"):
        Embedder(folder, "mean@-1", max_length=5).fit_transform(TEXTS)
    windows = Embedder(folder, "mean@-1", max_length=5, long="window").fit_transform(TEXTS)
    expected = poolwise.load(folder, max_length=5).embed(TEXTS, "mean@-1", long="window")
    np.testing.assert_array_equal(windows, expected)
    assert Embedder(folder, "cls@-1|binary").fit_transform(TEXTS).dtype == np.int8


@pytest.mark.parametrize("options", [{"precision": "int8"}, {"long": "cut"}], ids=str)
def test_a_mistyped_option_is_refused(folder, options):
    with pytest.raises(NotOfferedError, match=f"{next(iter(options))}=.*: it is one of"):
        Embedder(folder, "mean@-1", **options).fit(TEXTS)


@pytest.mark.parametrize(
    "give",
    [
        np.array,
        pd.Series,
        pl.Series,
        tuple,
        lambda t: pd.DataFrame({"text": t}),
        lambda t: pl.DataFrame({"text": t}),
        lambda t: [[text] for text in t],
        iter,
        lambda t: (text for text in t),
        lambda t: Dataset.from_dict({"title": t}),
        lambda t: Dataset.from_dict({"title": t, "n": [1] * len(t)})["title"],
    ],
)
def test_texts_come_as_lists_arrays_series_and_columns(folder, give):
    embedder = Embedder(folder, "mean@-1").fit(give(TEXTS))
    np.testing.assert_array_equal(embedder.transform(give(TEXTS)), embedder.transform(TEXTS))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("a cat", "one text"),
        (np.zeros((3, 2)), r"ndarray of shape \(3, 2\)"),
        ([["a", "b"], ["c", "d"]], r"shape \(2, 2\)"),
        ([["a"], ["b", "c"]], "row 0: found list"),
        (iter([1, 2]), "row 0: found int"),
        (["a", None], "row 1: found None"),
        (pd.Series(["a", None]), "row 1: found NaN"),
        (["a", pd.NA], "row 1: found NA"),
        ([b"a"], "row 0: found bytes"),
        ([], "n_samples = 0"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(folder, given, says):
    with pytest.raises(NotTextsError, match=says):
        Embedder(folder, "mean@-1").fit(given)


def test_unfitted_and_refitted(folder):
    embedder = Embedder(folder, "mean@-1|center")
    with pytest.raises(NotFittedError):
        embedder.transform(TEXTS)
    with pytest.raises(NotFittedError, match="call fit"):
        embedder.encode(TEXTS)
    embedder.fit(TEXTS).set_params(readout="cls@-1|center")
    with pytest.raises(NotFittedError, match=r"fitted for mean@-1\|center, asked cls@-1\|center"):
        embedder.transform(TEXTS)
    with pytest.raises(ReadoutError):
        Embedder(folder, "middle@-1").fit(TEXTS)
    with pytest.raises(EncoderError, match="opens its model itself"):
        Embedder(poolwise.load(folder), "mean@-1").fit(TEXTS)


def test_a_pickle_holds_no_weights(folder):
    embedder = Embedder(folder, "mean@-1|whiten(4)").fit(TEXTS)
    held = pickle.dumps(embedder)
    weights = (Path(folder) / "model.safetensors").stat().st_size
    assert len(held) < weights / 10
    expected = embedder.transform(TEXTS)
    model_cache._load.cache_clear()
    np.testing.assert_array_equal(pickle.loads(held).transform(TEXTS), expected)


def test_a_changed_model_is_noticed(tiny, tmp_path):
    place = tmp_path / "model"
    shutil.copytree(tiny("bert"), place)
    embedder = Embedder(place, "mean@-1").fit(TEXTS)
    shutil.copy(tiny("bert", intermediate_size=48) / "config.json", place)
    shutil.copy(tiny("bert", intermediate_size=48) / "model.safetensors", place)
    with pytest.raises(EncoderError, match="fitted on a model of hash"):
        pickle.loads(pickle.dumps(embedder)).transform(TEXTS)
    assert embedder.fit(TEXTS).transform(TEXTS).shape == (8, 32)


def test_a_process_opens_a_model_once(folder, monkeypatch):
    model_cache._load.cache_clear()
    reads = []
    load = model_cache.model.load
    monkeypatch.setattr(model_cache.model, "load", lambda *a, **k: reads.append(a) or load(*a, **k))
    grid = {"embedder__readout": ["mean@-1", "cls@-1", "mean@1|whiten(2)"]}
    pipeline = make_pipeline(Embedder(folder), LogisticRegression())
    search = GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, [0, 1] * 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(reads) == 1


def test_a_grid_of_readouts_in_two_processes(folder):
    pipeline = make_pipeline(Embedder(folder), LogisticRegression())
    grid = {"embedder__readout": ["mean@-1", "cls@-1|standardize"]}
    scores = [
        GridSearchCV(pipeline, grid, cv=2, n_jobs=jobs, error_score="raise")
        .fit(TEXTS, [0, 1] * 4)
        .cv_results_["mean_test_score"]
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*scores)


def test_a_pipeline_tells_real_questions_apart(demo, banking):
    texts, labels = banking
    pipeline = make_pipeline(Embedder("demo", "mean@-1|l2"), LogisticRegression())
    assert pipeline.fit(texts[::2], labels[::2]).score(texts[1::2], labels[1::2]) > 0.9


def test_columns_of_a_table(folder):
    table = pd.DataFrame({"text": TEXTS, "length": range(len(TEXTS))}, index=list("abcdefgh"))
    columns = ColumnTransformer(
        [
            ("one", Embedder(folder, "mean@-1"), "text"),
            ("two", Embedder(folder, "cls@1"), ["text"]),
        ],
        remainder="passthrough",
    ).set_output(transform="pandas")
    made = columns.fit_transform(table)
    assert made.shape == (8, 65)
    assert list(made.columns[[0, 32, 64]]) == [
        "one__embedder0",
        "two__embedder0",
        "remainder__length",
    ]
    assert list(made.index) == list(table.index)


def test_output_as_polars(folder):
    embedder = Embedder(folder, "mean@-1|truncate(3)").set_output(transform="polars")
    made = embedder.fit_transform(pl.Series(TEXTS))
    assert isinstance(made, pl.DataFrame)
    assert made.columns == list(embedder.get_feature_names_out())
    assert made.columns == ["embedder0", "embedder1", "embedder2"]


def test_the_two_precisions_are_told_apart(folder):
    """The embedder's is the arithmetic, that of encode the number type of the vectors."""
    for number_type in ("float32", "int8", "uint8", "binary", "ubinary"):
        with pytest.raises(
            NotOfferedError,
            match=f"exact, near, fast, the arithmetic; for vectors "
            rf"of this number type: encode\(…, precision='{number_type}'\)",
        ):
            Embedder(folder, "mean@-1", precision=number_type).fit(TEXTS)
    embedder = Embedder(folder, "mean@-1", precision="fast")
    for arithmetic in ("exact", "near", "fast"):
        with pytest.raises(
            NotOfferedError,
            match=r"ubinary, the number type; for this arithmetic: "
            rf"Embedder\(…, precision='{arithmetic}'\)",
        ):
            embedder.encode(TEXTS, precision=arithmetic)
    assert embedder.encode(TEXTS, precision="int8").dtype == np.int8
    with pytest.raises(OptionError, match=r"'fast'; for vectors of this type add the step \|int8"):
        poolwise.load(folder).embed(TEXTS, "mean@-1", precision="int8")
