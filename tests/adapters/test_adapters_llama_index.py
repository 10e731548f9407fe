"""LlamaIndex's indexes over an embedder, without a language model."""

from __future__ import annotations

import asyncio
import json
import pickle

import pytest

from poolwise.embedder import Embedder

TEXTS = ["the cat sat on the mat", "two men", "a small house"]


@pytest.fixture
def embedding(prompted):
    pytest.importorskip("llama_index.core")
    from poolwise.adapters.llama_index import LlamaIndexEmbedding

    return LlamaIndexEmbedding(prompted)


def test_vectors_are_the_embedders_with_its_prompts(embedding, prompted):
    documents = prompted.encode(TEXTS, prompt="a ").tolist()
    query = prompted.encode(TEXTS[0], prompt="one two ").tolist()
    assert embedding.get_text_embedding_batch(TEXTS) == documents
    assert embedding.get_text_embedding(TEXTS[0]) == documents[0]
    assert embedding.get_query_embedding(TEXTS[0]) == query
    assert asyncio.run(embedding.aget_text_embedding_batch(TEXTS)) == documents
    assert asyncio.run(embedding.aget_text_embedding(TEXTS[0])) == documents[0]
    assert asyncio.run(embedding.aget_query_embedding(TEXTS[0])) == query
    assert embedding.model_name == prompted.model


def test_it_is_saved_and_read_again(embedding):
    settings = json.loads(embedding.to_json())
    assert settings["class_name"] == "LlamaIndexEmbedding"
    again = type(embedding).from_dict(settings)
    query = embedding.get_query_embedding(TEXTS[0])
    assert again.get_query_embedding(TEXTS[0]) == query
    assert pickle.loads(pickle.dumps(embedding)).get_query_embedding(TEXTS[0]) == query


def test_a_cache_of_documents_tells_readouts_apart(embedding, prompted):
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionCache, IngestionPipeline

    cache = IngestionCache()
    documents = [Document(text=text) for text in TEXTS]
    for readout in ("mean@-1", "cls@-1"):
        embedder = Embedder(prompted.model, readout)
        pipeline = IngestionPipeline(transformations=[type(embedding)(embedder)], cache=cache)
        vectors = [node.embedding for node in pipeline.run(documents=documents)]
        assert vectors == embedder.encode(TEXTS, prompt="a ").tolist()


def test_an_index_finds_what_is_near(demo, embedding):
    from llama_index.core import Document, VectorStoreIndex

    embedder = Embedder("demo")
    texts = ["My card was stolen.", "What is the exchange rate?", "How do I top up?"]
    index = VectorStoreIndex.from_documents(
        [Document(text=text) for text in texts], embed_model=type(embedding)(embedder)
    )
    retriever = index.as_retriever(similarity_top_k=1)
    [node] = retriever.retrieve("somebody took my card")
    assert node.text == texts[0]
    card, question = embedder.encode([texts[0], "somebody took my card"])
    assert node.score == pytest.approx(card @ question, abs=1e-6)
