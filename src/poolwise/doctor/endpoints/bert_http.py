"""bert-as-service's HTTP: ``POST /encode``.

https://github.com/jina-ai/clip-as-service/tree/bert-as-service
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.doctor.endpoints.vectors import kind_of
from poolwise.errors import OptionError

PATH = "/encode"


class BertHTTPEndpoint(HTTPEndpoint):
    """The readout is the server's own flags'."""

    @classmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """Raises OptionError for a name, which the protocol has no field for."""
        check_no_model(model)
        return cls(connection, connection.address.path_without(PATH) + PATH, None)

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"id": 1, "texts": list(texts), "is_tokenized": False}

    def rows(self, answer: Answer) -> Any:
        match answer.json:
            case {"result": rows} | {"results": rows}:
                return rows
            case other:
                raise answer.error(f"the answer is {kind_of(other)}, expected result")


def check_no_model(model: str | None) -> None:
    """Raise OptionError for a name: requests of bert-as-service name no model."""
    if model is not None:
        raise OptionError(
            f"the model {model!r:.60} is named, and requests of bert-as-service name none: leave "
            "it out"
        )
