"""Haystack's components: a text embedder for queries and a document embedder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from poolwise.adapters.settings import embedder_from, require_embedder, settings_of
from poolwise.embedder import Embedder
from poolwise.errors import needs

with needs("haystack", "an embedder for Haystack"):
    from haystack import Document, component, default_from_dict, default_to_dict


class _EmbedderComponent:
    """What both components do alike."""

    embedder: Embedder

    def warm_up(self) -> None:
        """Load the model."""
        _ = self.embedder.loaded_model

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The component of ``to_dict``. Raises EncoderError where its model is another."""
        parameters = data["init_parameters"]
        embedder = embedder_from(parameters["embedder"])
        opened = {**data, "init_parameters": {**parameters, "embedder": embedder}}
        component: Self = default_from_dict(cls, opened)
        return component


@component
class HaystackTextEmbedder(_EmbedderComponent):
    """An embedder of queries in a Haystack pipeline.

        from haystack import Pipeline
        from poolwise import Embedder
        from poolwise.adapters.haystack import HaystackTextEmbedder

        pipeline = Pipeline()
        pipeline.add_component("embedder", HaystackTextEmbedder(Embedder("demo", "mean@-1")))

    Texts have the folder's prompt for queries, where it has one. A pipeline's YAML holds the
    embedder's settings and its model's hash; from Haystack 3 on reading it takes
    ``Pipeline.loads(yaml, allowed_modules=["poolwise.*"])``.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = require_embedder(embedder)

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        """The vector of ``text``, d floats."""
        return {"embedding": self.embedder.encode_query(text).astype(float).tolist()}

    def to_dict(self) -> dict[str, Any]:
        """The component as JSON values. Raises NotOfferedError, as ``settings_of``."""
        made: dict[str, Any] = default_to_dict(self, embedder=settings_of(self.embedder))
        return made


@component
class HaystackDocumentEmbedder(_EmbedderComponent):
    """An embedder of documents in a Haystack pipeline.

    Texts have the folder's prompt for documents, where it has one. The values of
    ``meta_fields_to_embed`` stand before a document's content, with ``embedding_separator``
    between, as in Haystack's own embedders. The YAML is that of ``HaystackTextEmbedder``.
    """

    def __init__(
        self,
        embedder: Embedder,
        meta_fields_to_embed: Sequence[str] = (),
        embedding_separator: str = "\n",
    ) -> None:
        self.embedder = require_embedder(embedder)
        self.meta_fields_to_embed = list(meta_fields_to_embed)
        self.embedding_separator = embedding_separator

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Copies of the documents with their vectors."""
        vectors = self.embedder.encode_document([self._text(document) for document in documents])
        embeddings = vectors.astype(float).tolist()
        pairs = zip(documents, embeddings, strict=True)
        return {"documents": [replace(document, embedding=e) for document, e in pairs]}

    def _text(self, document: Document) -> str:
        values = [document.meta.get(name) for name in self.meta_fields_to_embed]
        fields = [str(value) for value in values if value is not None]
        return self.embedding_separator.join([*fields, document.content or ""])

    def to_dict(self) -> dict[str, Any]:
        """The component as JSON values. Raises NotOfferedError, as ``settings_of``."""
        made: dict[str, Any] = default_to_dict(
            self,
            embedder=settings_of(self.embedder),
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )
        return made
