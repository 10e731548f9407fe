"""What sentence-transformers' models have beside encode, on an Embedder and on the real class."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SimilarityFunction
from sklearn.base import clone

import poolwise
from poolwise.embedder import Embedder, NotOfferedError
from poolwise.errors import EncoderError, OptionError, PoolwiseWarning

TEXTS = ["the cat sat on the mat", "a dog ran", "", "two men saw a tree and one small house"]


@pytest.fixture(scope="module")
def stock(demo):
    return SentenceTransformer(str(demo.folder), device="cpu")


@pytest.fixture(params=["Embedder", "as_sentence_transformer"])
def model(request):
    embedder = Embedder("demo")
    return embedder if request.param == "Embedder" else embedder.as_sentence_transformer()


def close(found, expected):
    assert type(found) is type(expected)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("output_value", ["token_embeddings", None])
def test_vectors_of_tokens_are_those_of_its_own_model(stock, model, output_value):
    found = model.encode(TEXTS, output_value=output_value, batch_size=2, prompt="so ")
    expected = stock.encode(TEXTS, output_value=output_value, batch_size=4, prompt="so ")
    for ours, theirs in zip(found, expected, strict=True):
        if output_value is None:
            close(ours["sentence_embedding"], theirs["sentence_embedding"])
        else:
            close(ours, theirs)


@pytest.mark.parametrize(
    "spec",
    ["cls@-2", "mean@avg(1,2)", "mean@concat(1,3)", "max@sum(1,2)", "pooler", "mean[words]@1"],
)
def test_the_module_gives_the_vectors_of_encode_bit_for_bit(folder, spec):
    texts = [text for text in TEXTS if text]  # mean[words] of no word is no vector
    embedder = Embedder(folder, spec)
    model = embedder.as_sentence_transformer()
    features = model.preprocess(texts)
    with torch.no_grad():
        outputs = model(features)
    expected = embedder.encode(texts)
    np.testing.assert_array_equal(outputs["sentence_embedding"].numpy(), expected)
    np.testing.assert_array_equal(model.encode(texts), expected)
    if spec.startswith(("mean@", "max@")):
        states = model.encode(texts, output_value="token_embeddings")
        pooled = [x.mean(0) if "mean" in spec else x.max(0).values for x in states]
        np.testing.assert_allclose(np.stack(pooled), expected, atol=1e-6)


def test_ids_of_a_callers_own_are_read(demo):
    model = Embedder("demo", "mean[words]@-1").as_sentence_transformer()
    features = model.preprocess(TEXTS[:2])
    ids = {name: features[name] for name in ("input_ids", "attention_mask")}
    found = model(ids)["sentence_embedding"].numpy()
    np.testing.assert_array_equal(found, model.encode(TEXTS[:2]))


def test_long_texts_in_windows(folder):
    embedder = Embedder(folder, "mean@-1", max_length=8, long="window")
    model = embedder.as_sentence_transformer()
    features = model.preprocess(TEXTS)
    assert features["windows"].tolist() == [1, 1, 1, 3]
    found = model(features)["sentence_embedding"].numpy()
    np.testing.assert_array_equal(found, embedder.encode(TEXTS))
    with pytest.raises(NotOfferedError, match="window"):
        model.encode(TEXTS, output_value="token_embeddings")


def test_max_seq_length_is_set_with_effect(stock, model):
    assert model.max_seq_length == model.get_max_seq_length() == 256
    model.max_seq_length = stock.max_seq_length = 5
    try:
        with pytest.warns(PoolwiseWarning, match="cut to 5 tokens"):
            close(model.encode(TEXTS), stock.encode(TEXTS))
    finally:
        stock.max_seq_length = 256
    with pytest.raises(EncoderError, match="max_length"):
        model.max_seq_length = 100_000
    assert model.max_seq_length == 5


def test_max_seq_length_is_the_parameter(folder):
    embedder = Embedder(folder, "mean@-1")
    converted = embedder.as_sentence_transformer()
    embedder.max_seq_length = 5
    assert clone(embedder).get_params()["max_length"] == 5
    assert converted.max_seq_length == 64


def test_truncate_dim_is_set_with_effect(stock, model):
    model.truncate_dim = 50
    close(model.encode(TEXTS), stock.encode(TEXTS, truncate_dim=50))
    assert model.get_embedding_dimension() == 50
    with model.truncate_embeddings(7):
        assert model.encode("a cat").shape == (7,)
    assert model.encode("a cat", truncate_dim=9).shape == (9,)
    assert model.encode("a cat").shape == (50,)


def test_truncate_dim_is_no_parameter(folder):
    embedder = Embedder(folder, "mean@-1").fit(TEXTS)
    embedder.truncate_dim = 3
    assert embedder.transform(TEXTS).shape == (4, 32)
    assert pickle.loads(pickle.dumps(embedder)).truncate_dim == 3
    assert clone(embedder).truncate_dim is None
    with pytest.raises(OptionError, match="truncate_dim is int"):
        embedder.truncate_dim = 33


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan"])
def test_similarities_are_those_of_its_own_model(stock, model, name):
    vectors = stock.encode(TEXTS, convert_to_tensor=True)
    expected = SimilarityFunction.to_similarity_fn(name)(vectors[:1], vectors)
    pairs = SimilarityFunction.to_similarity_pairwise_fn(name)(vectors[:2], vectors[2:])
    model.similarity_fn_name = SimilarityFunction(name)
    assert model.similarity_fn_name == name
    close(model.similarity(vectors[:1], vectors), expected)
    close(model.similarity_pairwise(vectors[:2], vectors[2:]), pairs)
    with pytest.raises(ValueError, match="maxsim"):
        model.similarity_fn_name = "maxsim"


def test_attributes_are_those_of_its_own_model(stock, model):
    for name in ("similarity_fn_name", "prompts", "default_prompt_name", "device", "truncate_dim"):
        assert getattr(model, name) == getattr(stock, name), name
    assert model.get_embedding_dimension() == stock.get_embedding_dimension()


def test_tokens_are_those_of_its_own_model(stock, model):
    features, expected = model.preprocess(TEXTS), stock.preprocess(TEXTS)
    for name in ("input_ids", "attention_mask"):
        assert torch.equal(features[name], expected[name])
    ours, theirs = model.tokenizer, stock.tokenizer
    assert ours(TEXTS)["input_ids"] == theirs(TEXTS)["input_ids"]
    assert ours.decode(ours.encode("a cat")) == theirs.decode(theirs.encode("a cat"))
    assert ours.model_max_length == 256
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "cuda"}, "runs on cpu"),
        ({"device": torch.device("cuda:1")}, "runs on cpu"),
        ({"pool": {"input": 1}}, "every core in one process"),
        ({"device": ["cpu", "cpu"]}, "every core in one process"),
        ({"output_value": "tokens"}, "one of sentence_embedding"),
    ],
)
def test_what_cannot_be_is_refused_by_name(folder, options, says):
    with pytest.raises(NotOfferedError, match=says):
        Embedder(folder, "mean@-1").encode(TEXTS, **options)


def test_what_changes_nothing_is_taken(folder):
    embedder = Embedder(folder, "mean@-1")
    expected = embedder.encode(TEXTS)
    options = {"device": "cpu", "precision": None, "pool": None, "chunk_size": None}
    np.testing.assert_array_equal(embedder.encode(TEXTS, **options), expected)
    converted = embedder.to("cpu").eval().as_sentence_transformer().to("cpu").eval()
    for texts in (tuple(TEXTS), np.array(TEXTS), iter(TEXTS), Dataset.from_dict({"t": TEXTS})):
        again = texts if not hasattr(texts, "__next__") else iter(TEXTS)
        np.testing.assert_array_equal(embedder.encode(texts), expected)
        np.testing.assert_array_equal(converted.encode(again, task="query"), expected)
    with pytest.raises(NotOfferedError, match="runs on cpu"):
        converted.to("cuda")
    with pytest.raises(TypeError, match="colour"):
        embedder.encode(TEXTS, colour="red")
    with pytest.raises(NotOfferedError, match="one process"):
        embedder.start_multi_process_pool()


def test_it_is_the_real_class_with_the_fitted_steps(folder):
    embedder = Embedder(folder, "mean@-1|whiten(3)").fit(TEXTS)
    model = embedder.as_sentence_transformer()
    assert isinstance(model, SentenceTransformer)
    assert "sentence_transformers" in str(type(model))  # how BERTopic and KeyBERT look
    expected = embedder.transform(TEXTS)
    embedder.fit(TEXTS[:2] * 2 + TEXTS)
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(each.encode(TEXTS), expected)
    assert not list(model.parameters())


def test_it_is_saved_as_an_export(demo, tmp_path):
    texts = [*TEXTS, "the sea was calm and so were they"]
    embedder = Embedder("demo", "mean@-2|whiten(4)").fit(texts)
    model = embedder.as_sentence_transformer()
    model.prompts["query"] = "ask: "
    model.similarity_fn_name = "dot"
    for _ in range(2):  # as its own models, it replaces the folder that it wrote
        model.save_pretrained(tmp_path / "folder")
    loaded = SentenceTransformer(str(tmp_path / "folder"), device="cpu")
    np.testing.assert_allclose(loaded.encode(texts), model.encode(texts), atol=2e-4)
    np.testing.assert_allclose(loaded.encode_query("a cat"), model.encode_query("a cat"), atol=2e-4)
    assert loaded.similarity_fn_name == "dot"
    model.save(str(tmp_path / "bare"), create_model_card=False)
    assert not (tmp_path / "bare" / "README.md").exists()


def test_what_no_folder_can_hold_is_refused_by_the_export(folder, tmp_path):
    with pytest.raises(poolwise.PoolwiseError, match="concat"):
        Embedder(folder, "mean@concat(1,2)").as_sentence_transformer().save(tmp_path / "a")
    model = poolwise.SentenceTransformer(folder, "mean@-1")
    model.truncate_dim = 3
    with pytest.raises(NotOfferedError, match="truncate"):
        model.save(tmp_path / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("train", ["fit", "old_fit", "train"])
def test_training_is_refused_by_name(folder, train):
    model = poolwise.SentenceTransformer(folder, "mean@-1")
    with pytest.raises(NotOfferedError, match="save_pretrained"):
        getattr(model, train)()


def test_modules_that_are_added_run(folder, tmp_path):
    from sentence_transformers.sentence_transformer.modules import Normalize

    model = poolwise.SentenceTransformer(folder, "mean@-1")
    expected = model.encode(TEXTS, normalize_embeddings=True)
    model.append(Normalize())
    np.testing.assert_allclose(model.encode(TEXTS), expected, atol=1e-6)
    with pytest.raises(NotOfferedError, match="modules that were added"):
        model.save_pretrained(tmp_path / "folder")


def test_hooks_are_called_and_change_no_bits(folder):
    texts, calls = ["a cat sat", "the dog ran over the hill", ""], []
    model = Embedder(folder, "mean@1|l2").as_sentence_transformer()
    expected = model.encode(texts)
    handle = model.register_forward_hook(lambda *_: calls.append("called"))
    np.testing.assert_array_equal(model.encode(texts), expected)
    assert calls
    handle.remove()
    calls.clear()
    model.encode(texts)
    assert not calls


def test_the_real_class_follows_its_own_habits(folder):
    model = poolwise.SentenceTransformer(folder, "mean@-1")
    assert model.encode("a cat", truncate_dim=768).shape == (32,)
    with pytest.raises(ValueError, match="'passage' not found in the configured prompts"):
        model.encode("a cat", prompt_name="passage")
    model.set_pooling_include_prompt(True)
    with pytest.raises(NotOfferedError, match="include_prompt=False"):
        model.set_pooling_include_prompt(False)


def test_what_is_set_on_an_embedder_holds_for_the_real_class(folder):
    embedder = Embedder(folder, "mean@-1")
    embedder.truncate_dim, embedder.similarity_fn_name = 5, "dot"
    model = embedder.as_sentence_transformer()
    assert (model.truncate_dim, model.similarity_fn_name) == (5, "dot")
    assert model.encode(TEXTS).shape == (4, 5)
    model.truncate_dim = None
    assert model.encode(TEXTS).shape == (4, 32)
    assert embedder.encode(TEXTS).shape == (4, 5)


def test_the_hub_is_sent_the_export(folder, monkeypatch):
    from sentence_transformers.base import model as library

    sent = []

    class Hub:
        def __init__(self, token=None):
            pass

        def create_repo(self, repo_id, **options):
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, *, folder_path, **options):
            sent.extend(path.name for path in Path(folder_path).iterdir())
            return SimpleNamespace(commit_url="url")

    monkeypatch.setattr(library, "HfApi", Hub)
    model = poolwise.SentenceTransformer(folder, "mean@-1")
    assert model.push_to_hub("me/readout", replace_model_card=True) == "url"
    assert {"modules.json", "1_Pooling", "model.safetensors", "README.md"} <= set(sent)
