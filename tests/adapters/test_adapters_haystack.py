"""Haystack's pipelines over an embedder."""

from __future__ import annotations

from inspect import signature

import pytest

from poolwise.embedder import Embedder
from poolwise.errors import EncoderError

TEXTS = ["the cat sat on the mat", "two men", "a small house"]


@pytest.fixture(scope="module")
def adapter():
    pytest.importorskip("haystack")
    from poolwise.adapters import haystack

    return haystack


@pytest.fixture
def documents(adapter):
    from haystack import Document

    titles = zip(TEXTS, "abc", strict=True)
    return [Document(content=text, meta={"title": title}) for text, title in titles]


def test_vectors_are_the_embedders_with_its_prompts(adapter, documents, prompted):
    text = adapter.HaystackTextEmbedder(prompted)
    text.warm_up()
    query = prompted.encode(TEXTS[0], prompt="one two ").tolist()
    assert text.run(TEXTS[0]) == {"embedding": query}
    embedded = adapter.HaystackDocumentEmbedder(prompted).run(documents)["documents"]
    vectors = prompted.encode(TEXTS, prompt="a ").tolist()
    assert [document.embedding for document in embedded] == vectors
    assert [document.content for document in embedded] == TEXTS
    assert [document.embedding for document in documents] == [None] * 3
    assert adapter.HaystackDocumentEmbedder(prompted).run([]) == {"documents": []}


def test_named_meta_fields_stand_before_the_content(adapter, documents, prompted):
    component = adapter.HaystackDocumentEmbedder(prompted, ["title", "none"], " ")
    [first, *_] = component.run(documents)["documents"]
    expected = prompted.encode("a the cat sat on the mat", prompt="a ").tolist()
    assert first.embedding == expected


def test_a_pipeline_is_saved_and_read_again(adapter, documents, prompted):
    from haystack import Pipeline

    pipeline = Pipeline()
    pipeline.add_component("text", adapter.HaystackTextEmbedder(prompted))
    pipeline.add_component("documents", adapter.HaystackDocumentEmbedder(prompted, ["title"]))
    data = {"text": {"text": TEXTS[0]}, "documents": {"documents": documents}}
    asked = "allowed_modules" in signature(Pipeline.loads).parameters  # Haystack 3 asks for it
    allowed = {"allowed_modules": ["poolwise.*"]} if asked else {}
    again = Pipeline.loads(pipeline.dumps(), **allowed)
    assert again.run(data) == pipeline.run(data)


def test_another_model_is_refused(adapter, prompted, other_model):
    data = adapter.HaystackTextEmbedder(prompted).to_dict()
    settings = data["init_parameters"]["embedder"]
    changed = {**data, "init_parameters": {"embedder": other_model(settings)}}
    with pytest.raises(EncoderError, match="expected the model of hash"):
        adapter.HaystackTextEmbedder.from_dict(changed)


def test_a_search_pipeline_finds_what_is_near(demo, adapter):
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    embedder = Embedder("demo")
    texts = ["My card was stolen.", "What is the exchange rate?", "How do I top up?"]
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    component = adapter.HaystackDocumentEmbedder(embedder)
    store.write_documents(component.run([Document(content=t) for t in texts])["documents"])
    search = Pipeline()
    search.add_component("embedder", adapter.HaystackTextEmbedder(embedder))
    search.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=1))
    search.connect("embedder.embedding", "retriever.query_embedding")
    answer = search.run({"embedder": {"text": "somebody took my card"}})
    [document] = answer["retriever"]["documents"]
    assert document.content == texts[0]
    card, question = embedder.encode([texts[0], "somebody took my card"])
    assert document.score == pytest.approx(card @ question, abs=1e-6)
