"""LangChain's ``Embeddings``."""

from __future__ import annotations

from poolwise.adapters.settings import require_embedder
from poolwise.embedder import Embedder
from poolwise.errors import needs

with needs("langchain", "an embedder for LangChain"):
    from langchain_core.embeddings import Embeddings


class LangChainEmbeddings(Embeddings):
    """An embedder as LangChain's vector stores and retrievers take it.

        from langchain_core.vectorstores import InMemoryVectorStore
        from poolwise import Embedder
        from poolwise.adapters.langchain import LangChainEmbeddings

        store = InMemoryVectorStore(LangChainEmbeddings(Embedder("demo", "mean@-1")))

    Queries and documents have the folder's prompts for them, where it has such.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = require_embedder(embedder)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of the texts, n lists of d floats."""
        vectors: list[list[float]] = self.embedder.encode_document(texts).astype(float).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of the query, d floats."""
        vector: list[float] = self.embedder.encode_query(text).astype(float).tolist()
        return vector
