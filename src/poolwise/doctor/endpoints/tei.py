"""``/embed`` of text-embeddings-inference (TEI).

https://huggingface.github.io/text-embeddings-inference
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.errors import OptionError

PATH = "/embed"


class TEIEndpoint(HTTPEndpoint):
    """Sends what a plain client does: texts and nothing else, so that the server's own settings of
    truncation and prompt hold. Only poolwise's server is told the model, where one was named."""

    sends_model = False

    @classmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """Raises OptionError where the server says that it serves another model."""
        base = connection.address.path_without(PATH)
        endpoint = cls(connection, base + PATH, model)
        match connection.get(f"{base}/info").value:
            case {"model_id": str(served)} as info:
                names = {served, info.get("served_model_name")}
                endpoint.sends_model = model is not None and is_poolwise(info)
                endpoint.model = model or served
                if not endpoint.sends_model and endpoint.model not in names:
                    raise OptionError(
                        f"{connection.address} serves {served}, not {model}; leave the name of the "
                        "model out"
                    )
        return endpoint

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        body = {"inputs": list(texts)}
        return {**body, "model": self.model} if self.sends_model else body

    def rows(self, answer: Answer) -> Any:
        return answer.json


def is_poolwise(info: dict[str, Any]) -> bool:
    """Whether a reply in TEI's form is poolwise's, which adds what it reads out."""
    return "readout" in info
