"""LlamaIndex's ``BaseEmbedding``."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from typing import Annotated, Any

from poolwise.adapters.settings import embedder_from, require_embedder, settings_of
from poolwise.embedder import Embedder
from poolwise.errors import needs

with needs("llama-index", "an embedder for LlamaIndex"):
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import BeforeValidator, PlainSerializer


def _embedder(value: object) -> Embedder:
    return embedder_from(value) if isinstance(value, Mapping) else require_embedder(value)


class LlamaIndexEmbedding(BaseEmbedding):
    """An embedder as LlamaIndex's indexes and ingestion pipelines take it.

        from llama_index.core import Document, VectorStoreIndex
        from poolwise import Embedder
        from poolwise.adapters.llama_index import LlamaIndexEmbedding

        embedding = LlamaIndexEmbedding(Embedder("demo", "mean@-1"))
        index = VectorStoreIndex.from_documents([Document(text="…")], embed_model=embedding)

    Queries and texts have the folder's prompts for queries and documents, where it has such.
    ``to_dict`` holds the embedder's settings and its model's hash, by which LlamaIndex caches.
    """

    embedder: Annotated[Embedder, BeforeValidator(_embedder), PlainSerializer(settings_of)]
    embed_batch_size: int = 1024  # poolwise fills its own batches, better from more texts

    def __init__(self, embedder: Embedder | Mapping[str, Any], **options: Any) -> None:
        super().__init__(**{"embedder": embedder, **options})
        if "model_name" not in options:
            self.model_name = str(self.embedder.model)

    @classmethod
    def class_name(cls) -> str:
        """The name that ``to_dict`` writes."""
        return cls.__name__

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self.embedder.encode_query(query).astype(float).tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await to_thread(self._get_query_embedding, query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.embedder.encode_document(texts).astype(float).tolist()
        return vectors

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await to_thread(self._get_text_embeddings, texts)
