"""Ollama's ``/api/embed``: https://github.com/ollama/ollama/blob/main/docs/api.md"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.doctor.endpoints.inquiry import Inquiry
from poolwise.doctor.endpoints.model_names import only_model
from poolwise.doctor.endpoints.vectors import kind_of

PATH = "/api/embed"


class OllamaEndpoint(HTTPEndpoint):
    """Its vectors always have length 1, whatever the model's own readout."""

    @classmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """Raises OptionError where a name must be given."""
        base = connection.address.path_without(PATH, "/api")
        if model is None:
            inquiry = Inquiry(connection)
            names = inquiry.names(f"{base}/api/tags", "models", "name")
            model = only_model(names, inquiry, connection.address.shown(base))
        return cls(connection, base + PATH, model)

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"model": self.model, "input": list(texts)}

    def rows(self, answer: Answer) -> Any:
        match answer.json:
            case {"embeddings": rows}:
                return rows
            case other:
                raise answer.error(f"the answer is {kind_of(other)}, expected embeddings")
