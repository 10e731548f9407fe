"""Chroma's ``EmbeddingFunction``."""

from __future__ import annotations

from typing import Any

import numpy as np

from poolwise.adapters.settings import embedder_from, require_embedder, settings_of
from poolwise.embedder import Embedder
from poolwise.errors import needs

with needs("chroma", "an embedder for Chroma"):
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Space
    from chromadb.utils.embedding_functions import register_embedding_function


@register_embedding_function
class ChromaEmbeddingFunction(EmbeddingFunction[Documents]):
    """An embedder as Chroma's collections take it.

        import chromadb
        from poolwise import Embedder
        from poolwise.adapters.chroma import ChromaEmbeddingFunction

        function = ChromaEmbeddingFunction(Embedder("demo", "mean@-1"))
        collection = chromadb.Client().create_collection("texts", embedding_function=function)

    Documents and queries have the folder's prompts for them, where it has such. A collection on
    disk holds the embedder's settings and its model's hash: opened again after an import of this
    module, it embeds queries as it embedded its documents, or says that the model is another.
    """

    def __init__(self, embedder: Embedder) -> None:
        """Raises NotOfferedError, as ``settings_of``: Chroma would fall back to its own model."""
        self.embedder = require_embedder(embedder)
        self._settings = settings_of(embedder)

    def __call__(self, input: Documents) -> Embeddings:  # noqa: A002 - Chroma's name
        """The vectors of documents, n arrays [d], float32."""
        return list(self.embedder.encode_document(input).astype(np.float32))

    def embed_query(self, input: Documents) -> Embeddings:  # noqa: A002 - Chroma's name
        """The vectors of queries, n arrays [d], float32."""
        return list(self.embedder.encode_query(input).astype(np.float32))

    @staticmethod
    def name() -> str:
        """The name that a collection on disk keeps."""
        return "poolwise"

    def default_space(self) -> Space:
        """The space of the folder's measure of similarity."""
        return _SPACES[self.embedder.similarity_fn_name]

    def get_config(self) -> dict[str, Any]:
        """The embedder's settings and its model's hash."""
        return self._settings

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> ChromaEmbeddingFunction:
        """The function of ``get_config``. Raises EncoderError where its model is another."""
        return ChromaEmbeddingFunction(embedder_from(config))


# Chroma has no Manhattan distance; its squared Euclidean one is the nearest.
_SPACES: dict[str, Space] = {"cosine": "cosine", "dot": "ip", "euclidean": "l2", "manhattan": "l2"}
