"""Prompts that published embedding models are used with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.model import Model

KNOWN_PROMPTS = (
    "query: ",
    "passage: ",
    "search_query: ",
    "search_document: ",
    "clustering: ",
    "classification: ",
    "Represent this sentence for searching relevant passages: ",
    "Represent this sentence: ",
    "Represent the query for retrieval: ",
    "Query: ",
    "Passage: ",
    "title: none | text: ",
    "task: search result | query: ",
    "task: sentence similarity | query: ",
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
    "为这个句子生成表示以用于检索相关文章：",
)
"""Of E5, Nomic Embed, BGE, Arctic Embed, mxbai, EmbeddingGemma and E5-instruct, as in the cards of
their models."""


def prompts_of(model: Model, more: Sequence[str] = ()) -> list[str]:
    """The model's default first, then none, ``more``, the folder's others, and KNOWN_PROMPTS."""
    return list(dict.fromkeys(_prompts(model, more)))


def _prompts(model: Model, more: Sequence[str]) -> Iterator[str]:
    yield model.prefix
    yield ""
    yield from more
    yield from model.prompts.texts.values()
    for prompt in KNOWN_PROMPTS:
        yield prompt
        if prompt.rstrip() != prompt:
            yield prompt.rstrip()  # joined without the space
