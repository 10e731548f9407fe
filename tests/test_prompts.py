"""Prompts of a folder: in front of texts, left out of pooling, by name, kept by exports."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import poolwise
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.errors import EncoderError, ReadoutError
from poolwise.exports import export
from poolwise.transforms.fitted_readout import FittedReadout

pytestmark = pytest.mark.filterwarnings("ignore:.* texts were cut to 50 tokens")

TEXTS = ["the cat sat on the mat", "a dog", "they ran over the old hill " * 12, ""]
PROMPTS = {"query": "find the cat: ", "document": "old house ", "other": "a bird "}
POOLS = ("cls", "max", "mean", "sqrt", "weighted", "last")


@pytest.fixture(params=["bert", "roberta"])
def folder(request, tiny, tmp_path, modules):
    copy = shutil.copytree(tiny(request.param), tmp_path / "folder")
    modules(copy, "mean")
    (copy / "sentence_bert_config.json").write_text('{"max_seq_length": 50}')
    return copy


def declare(folder, **values):
    (folder / "config_sentence_transformers.json").write_text(json.dumps(values))


def theirs(folder):
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def same(made, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(made, expected, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        ({}, {}),
        ({"default_prompt_name": "query"}, {}),
        ({"default_prompt_name": "query"}, {"prompt_name": "document"}),
        ({"default_prompt_name": "query"}, {"prompt": ""}),
        ({}, {"prompt": "red tree: "}),
        ({}, {"prompt_name": "other"}),
    ],
    ids=str,
)
def test_prompts_are_those_of_sentence_transformers(folder, declared, asked):
    declare(folder, prompts=PROMPTS, **declared)
    expected = theirs(folder).encode(TEXTS, batch_size=1, **asked)
    same(poolwise.load(folder).embed(TEXTS, **asked), expected)
    same(poolwise.Embedder(str(folder)).encode(TEXTS, **asked), expected)


@pytest.mark.parametrize("prompts", [PROMPTS, {"passage": "a bird "}, {}], ids=str)
def test_queries_and_documents_have_their_own(folder, prompts):
    default = next(iter(prompts), None)
    declare(folder, prompts=prompts, default_prompt_name=default)
    one, embedder = theirs(folder), poolwise.Embedder(str(folder))
    same(embedder.encode_query(TEXTS), one.encode_query(TEXTS, batch_size=1))
    same(embedder.encode_document(TEXTS), one.encode_document(TEXTS, batch_size=1))
    same(
        embedder.encode_query(TEXTS, prompt="the sea "),
        one.encode_query(TEXTS, prompt="the sea ", batch_size=1),
    )


@pytest.mark.parametrize("pool", POOLS)
def test_a_prompt_may_be_left_out_of_pooling(folder, modules, pool):
    modules(folder, pool, include_prompt=False)
    declare(folder, prompts=PROMPTS, default_prompt_name="query")
    expected = theirs(folder).encode(TEXTS, batch_size=1)
    model = poolwise.load(folder)
    same(model.embed(TEXTS), expected)
    spec = str(model.declared)
    batches = model.extract(TEXTS, [spec, "cls@1"])
    same(np.concatenate([batch.vectors[spec] for batch in batches]), expected)
    (batch,) = poolwise.extraction.extract(model, TEXTS, [spec], engine=TransformersEngine(model))
    same(batch.vectors[spec], expected)
    without = theirs(folder).encode(TEXTS, batch_size=1, prompt="")
    same(model.embed(TEXTS, prompt=""), without)
    assert not np.allclose(without, expected, atol=1e-3)


def test_a_prompt_that_is_left_out_goes_with_its_windows(folder, modules):
    modules(folder, "mean", include_prompt=False)
    declare(folder, prompts=PROMPTS, default_prompt_name="query")
    model = poolwise.load(folder)
    unread = model.unread(50)
    (text,) = model.tokenize(TEXTS[2:3], long="window")
    assert len(text.windows) > 1
    assert [window.unread for window in text.windows] == [unread] + [0] * (len(text.windows) - 1)


def test_every_output_says_the_prompt(folder):
    declare(folder, prompts=PROMPTS, default_prompt_name="query")
    model = poolwise.load(folder)
    assert model.provenance()["prompt"] == "find the cat: "
    assert "prompt" not in model.prompted("").provenance()
    assert model.prompted(name="other").provenance()["prompt"] == "a bird "
    assert model.prompted("x").engine is model.engine
    assert model.prompted("x").hash == model.hash


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"default_prompt_name": "nobody"}, "default_prompt_name is 'nobody', expected one of"),
        ({"default_prompt_name": ["query"]}, "default_prompt_name is a list"),
        ({"prompts": {"query": 3}}, "the prompt 'query' is 3, expected a text"),
        ({"prompts": ["query"]}, "prompts: holds a list, expected a JSON object"),
    ],
)
def test_prompts_that_cannot_be_are_named(folder, values, said):
    declare(folder, **values)
    with pytest.raises(EncoderError, match=said):
        poolwise.load(folder)


def test_a_name_that_the_folder_lacks(folder):
    declare(folder, prompts=PROMPTS)
    model = poolwise.load(folder)
    with pytest.raises(EncoderError, match="no prompt is named 'x'; this model's are 'query'"):
        model.embed(TEXTS, prompt_name="x")
    with pytest.raises(EncoderError, match="give one of them"):
        model.embed(TEXTS, prompt="x", prompt_name="query")


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan", "maxsim", None])
def test_similarity_is_the_folders(folder, name):
    declare(folder, similarity_fn_name=name)
    one, embedder = theirs(folder), poolwise.Embedder(str(folder))
    vectors = embedder.encode(TEXTS)
    expected = one.similarity(vectors, vectors[:2]).numpy()
    np.testing.assert_allclose(
        embedder.similarity(vectors, vectors[:2]).numpy(), expected, rtol=1e-5, atol=2e-5
    )


@pytest.mark.parametrize("include_prompt", [True, False])
def test_an_export_keeps_prompts_and_similarity(folder, modules, tmp_path, include_prompt):
    modules(folder, "mean", "Normalize", include_prompt=include_prompt)
    declare(folder, prompts=PROMPTS, default_prompt_name="query", similarity_fn_name="dot")
    model = poolwise.load(folder)
    export(model, None, tmp_path / "out")
    expected = theirs(folder).encode(TEXTS, batch_size=1)
    same(theirs(tmp_path / "out").encode(TEXTS, batch_size=1), expected)
    again = poolwise.load(tmp_path / "out")
    same(again.embed(TEXTS), expected)
    assert (again.prompts, again.similarity) == (model.prompts, "dot")
    export(model.prompted("red tree: "), None, tmp_path / "red")
    same(
        theirs(tmp_path / "red").encode(TEXTS, batch_size=1),
        theirs(folder).encode(TEXTS, batch_size=1, prompt="red tree: "),
    )
    export(model, "mean@2", tmp_path / "encoder", format="transformers")
    alone = poolwise.load(tmp_path / "encoder")
    same(alone.embed(TEXTS), model.embed(TEXTS, "mean@2"))


def test_a_graph_cannot_leave_a_prompt_out(folder, modules, tmp_path):
    modules(folder, "mean", include_prompt=False)
    declare(folder, prompts=PROMPTS)
    with pytest.raises(ReadoutError, match="include_prompt is false"):
        export(poolwise.load(folder), None, tmp_path / "out", format="onnx")


def test_a_readout_brings_the_prompt_it_was_chosen_with(folder, tmp_path):
    declare(folder, prompts=PROMPTS, default_prompt_name="query")
    model = poolwise.load(folder)
    path = tmp_path / "readout.toml"
    FittedReadout(model.declared, prompt="a bird ").save(path)
    expected = model.embed(TEXTS, prompt_name="other")
    np.testing.assert_array_equal(model.embed(TEXTS, path), expected)
    np.testing.assert_array_equal(model.embed(TEXTS, str(path)), expected)
    embedder = poolwise.Embedder(str(folder), str(path))
    np.testing.assert_array_equal(embedder.fit_transform(TEXTS), expected)
    (batch,) = model.extract(TEXTS, [path])
    np.testing.assert_array_equal(batch.vectors["mean@-1"], expected)
    np.testing.assert_array_equal(
        model.embed(TEXTS, path, prompt=""), model.embed(TEXTS, prompt="")
    )
    FittedReadout(model.declared, prompt="old house ").save(tmp_path / "two.toml")
    with pytest.raises(ReadoutError, match="chosen with the prompts 'a bird ' and 'old house '"):
        next(model.extract(TEXTS, [path, tmp_path / "two.toml"]))
