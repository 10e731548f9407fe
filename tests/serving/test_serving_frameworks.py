"""LangChain, LlamaIndex and Haystack by their classes for OpenAI, unmodified."""

from __future__ import annotations

import asyncio
import warnings

import numpy as np
import pytest

import poolwise

TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]
READOUT = "mean@-1"


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module")
def url(live_server, folder):
    return f"{live_server(folder, '-r', READOUT, '-r', 'cls@-2|l2')}/v1"


@pytest.fixture(scope="module")
def expected(folder):
    return poolwise.load(folder).embed(TEXTS, READOUT)


def same(vectors, expected):
    np.testing.assert_array_equal(np.asarray(vectors, np.float32), expected)


def closing(run):
    """What ``run`` gives with a client for HTTP that is closed after it: these libraries leave
    their own open."""

    async def whole():
        async with pytest.importorskip("openai").DefaultAsyncHttpxClient() as http:
            return await run(http)

    return asyncio.run(whole())


@pytest.fixture
def langchain(url):
    module = pytest.importorskip("langchain_openai")

    def embeddings(**options):
        return module.OpenAIEmbeddings(model=READOUT, base_url=url, api_key="any", **options)

    return embeddings


def test_langchain(langchain, expected):
    embeddings = langchain(check_embedding_ctx_length=False)
    same(embeddings.embed_documents(TEXTS), expected)
    same(embeddings.embed_query(TEXTS[1]), expected[1])

    async def run(http):
        later = langchain(check_embedding_ctx_length=False, http_async_client=http)
        return await later.aembed_documents(TEXTS)

    same(closing(run), expected)


def test_langchain_s_token_ids_are_refused_with_its_option(langchain, monkeypatch):
    """They are of OpenAI's vocabulary, here one of bytes: the real one would be downloaded."""
    openai, tiktoken = pytest.importorskip("openai"), pytest.importorskip("tiktoken")
    ranks = {bytes([byte]): byte for byte in range(256)}
    of_bytes = tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks=ranks, special_tokens={})
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: of_bytes)
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
        langchain().embed_documents(TEXTS)


def test_llama_index(url, expected):
    with warnings.catch_warnings():  # those of its own imports
        warnings.simplefilter("ignore")
        module = pytest.importorskip("llama_index.embeddings.openai")
    options = {"model_name": READOUT, "api_base": url, "api_key": "any"}
    embedding = module.OpenAIEmbedding(**options)
    same(embedding.get_text_embedding_batch(TEXTS), expected)
    same(embedding.get_query_embedding(TEXTS[2]), expected[2])

    async def run(http):
        later = module.OpenAIEmbedding(**options, async_http_client=http)
        return await later.aget_text_embedding_batch(TEXTS)

    same(closing(run), expected)


def test_haystack(url, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        haystack = pytest.importorskip("haystack")
        from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
        from haystack.utils import Secret
    options = {"api_key": Secret.from_token("any"), "model": READOUT, "api_base_url": url}
    result = OpenAITextEmbedder(**options).run(TEXTS[0])
    same(result["embedding"], expected[0])
    assert result["meta"]["model"] == READOUT
    documents = [haystack.Document(content=text) for text in TEXTS]
    embedder = OpenAIDocumentEmbedder(**options, progress_bar=False)
    embedded = embedder.run(documents)["documents"]
    same([document.embedding for document in embedded], expected)
