"""LangChain's vector stores over an embedder."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from poolwise.embedder import Embedder

TEXTS = ["the cat sat on the mat", "two men", "a small house"]


@pytest.fixture
def embeddings(prompted):
    pytest.importorskip("langchain_core")
    from poolwise.adapters.langchain import LangChainEmbeddings

    return LangChainEmbeddings(prompted)


def test_vectors_are_the_embedders_with_its_prompts(embeddings, prompted):
    from langchain_core.embeddings import Embeddings

    assert isinstance(embeddings, Embeddings)
    assert embeddings.embed_documents(TEXTS) == prompted.encode(TEXTS, prompt="a ").tolist()
    query = prompted.encode(TEXTS[0], prompt="one two ").tolist()
    assert embeddings.embed_query(TEXTS[0]) == query
    assert pickle.loads(pickle.dumps(embeddings)).embed_query(TEXTS[0]) == query
    assert asyncio.run(embeddings.aembed_query(TEXTS[0])) == query
    assert asyncio.run(embeddings.aembed_documents(TEXTS)) == embeddings.embed_documents(TEXTS)
    assert embeddings.embed_documents([]) == []


def test_integers_become_floats(tiny):
    pytest.importorskip("langchain_core")
    from poolwise.adapters.langchain import LangChainEmbeddings

    embedder = Embedder(str(tiny("bert")), "mean@-1|int8").fit(TEXTS)
    vector = LangChainEmbeddings(embedder).embed_query(TEXTS[0])
    assert {type(value) for value in vector} == {float}
    assert vector == embedder.encode(TEXTS[0]).tolist()


def test_a_store_finds_what_is_near(demo, embeddings):
    from langchain_core.vectorstores import InMemoryVectorStore

    from poolwise.adapters.langchain import LangChainEmbeddings

    embedder = Embedder("demo")
    store = InMemoryVectorStore(LangChainEmbeddings(embedder))
    store.add_texts(["My card was stolen.", "What is the exchange rate?", "How do I top up?"])
    [(document, score), _] = store.similarity_search_with_score("somebody took my card", k=2)
    assert document.page_content == "My card was stolen."
    card, question = embedder.encode([document.page_content, "somebody took my card"])
    assert score == pytest.approx(card @ question, abs=1e-6)
    [retrieved, _] = store.as_retriever(search_kwargs={"k": 2}).invoke("somebody took my card")
    assert retrieved.page_content == document.page_content
