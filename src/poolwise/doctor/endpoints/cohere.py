"""Cohere's ``/v2/embed``: https://docs.cohere.com/reference/embed"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.doctor.endpoints.inquiry import Inquiry, names_in
from poolwise.doctor.endpoints.model_names import only_model
from poolwise.doctor.endpoints.vectors import kind_of

PATH = "/v2/embed"

DOCUMENT = "search_document"
"""Cohere's models need an ``input_type``, and the texts of an index are documents."""


class CohereEndpoint(HTTPEndpoint):
    """Asks for floats."""

    input_type = DOCUMENT

    @classmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """Raises OptionError where a name must be given."""
        base = connection.address.path_without(PATH, "/v2")
        if model is None:
            inquiry = Inquiry(connection)
            listing = inquiry.value(f"{base}/v1/models")
            names = names_in(listing, "models", "name") or names_in(listing, "data", "id")
            model = only_model(names, inquiry, connection.address.shown(base))
        return cls(connection, base + PATH, model)

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {
            "model": self.model,
            "input_type": self.input_type,
            "texts": list(texts),
            "embedding_types": ["float"],
        }

    def rows(self, answer: Answer) -> Any:
        match answer.json:
            case {"embeddings": {"float": rows}}:
                return rows
            case other:
                raise answer.error(
                    f"the answer is {kind_of(other)}, expected embeddings with float in them"
                )
