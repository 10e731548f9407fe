"""Chroma's collections over an embedder, in memory and on disk."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from poolwise.embedder import Embedder, NotOfferedError
from poolwise.errors import EncoderError

TEXTS = ["the cat sat on the mat", "two men", "a small house"]


@pytest.fixture
def function(prompted):
    pytest.importorskip("chromadb")
    from poolwise.adapters.chroma import ChromaEmbeddingFunction

    return ChromaEmbeddingFunction(prompted)


@pytest.fixture
def client(function):
    import chromadb

    client = chromadb.EphemeralClient()
    yield client
    for collection in client.list_collections():
        client.delete_collection(collection.name)


def test_vectors_are_the_embedders_with_its_prompts(client, function, prompted):
    collection = client.create_collection("texts", embedding_function=function)
    collection.add(ids=["0", "1", "2"], documents=TEXTS)
    documents = prompted.encode(TEXTS, prompt="a ")
    np.testing.assert_array_equal(collection.get(include=["embeddings"])["embeddings"], documents)
    np.testing.assert_array_equal(function(TEXTS), documents)
    query = prompted.encode(TEXTS[:1], prompt="one two ")
    np.testing.assert_array_equal(function.embed_query(TEXTS[:1]), query)
    # "dot" in the folder is "ip" here, whose distance is 1 - the product.
    found = collection.query(query_texts=TEXTS[:1], n_results=3)
    products = np.sort((query @ documents.T)[0])[::-1]
    np.testing.assert_allclose(1 - np.array(found["distances"][0]), products, rtol=1e-5)


def test_a_collection_on_disk_knows_its_embedder(function, prompted, tmp_path):
    import chromadb

    def client():
        return chromadb.PersistentClient(tmp_path)

    collection = client().create_collection("texts", embedding_function=function)
    collection.add(ids=["0", "1", "2"], documents=TEXTS)
    expected = collection.query(query_texts=TEXTS[:1], n_results=3)
    del collection
    gc.collect()
    assert client().get_collection("texts").query(query_texts=TEXTS[:1], n_results=3) == expected


def test_another_model_is_refused(function, other_model):
    changed = other_model(function.get_config())
    with pytest.raises(EncoderError, match="expected the model of hash"):
        function.build_from_config(changed)


def test_what_a_fit_learned_is_no_setting(function, prompted):
    fitted = Embedder(prompted.model, "mean@-1|center").fit(TEXTS)
    with pytest.raises(NotOfferedError, match="learn from texts"):
        type(function)(fitted)
