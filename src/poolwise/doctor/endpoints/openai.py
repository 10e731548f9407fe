"""OpenAI's ``/v1/embeddings``, which vLLM, Infinity, llama.cpp, LM Studio and others answer too.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

from poolwise.doctor.endpoints.address import Address
from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.doctor.endpoints.inquiry import Inquiry
from poolwise.doctor.endpoints.model_names import only_model
from poolwise.doctor.endpoints.vectors import kind_of

_VERSION = re.compile(r"/v\d+[a-z0-9]*$")


class OpenAIEndpoint(HTTPEndpoint):
    """Asks for decimals, whose digits show how precise they are; takes base64 if that comes."""

    @classmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """Finds the path below the URL, and the model where there is one.

        Raises EndpointError, and OptionError where a name must be given.
        """
        inquiry, bases = Inquiry(connection), base_paths(connection.address)
        names = None
        for base in bases:
            names = inquiry.names(f"{base}/models", "data", "id")
            if names is not None:
                break
        else:
            base = _answering(connection, bases)
        if model is None:
            model = only_model(names, inquiry, connection.address.shown(base))
        return cls(connection, f"{base}/embeddings", model)

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"input": list(texts), "model": self.model, "encoding_format": "float"}

    def rows(self, answer: Answer) -> Any:
        match answer.json:
            case {"data": [*items]}:
                pass
            case other:
                raise answer.error(
                    f"the answer is {kind_of(other)}, expected an object with data, a list of "
                    "embeddings: check the URL and the protocol"
                )
        for i, item in enumerate(items):
            if not isinstance(item, dict) or "embedding" not in item:
                raise answer.error(
                    f"data[{i}] is {kind_of(item)}, expected an object with an embedding"
                )
        return [item["embedding"] for item in _in_order(items, answer)]


def base_paths(address: Address) -> list[str]:
    """The paths below which there may be ``/embeddings``: that which the URL names, or ``/v1``
    below it and then itself, as Infinity and Google have it."""
    path = address.path_without("/embeddings")
    if path != address.path or _VERSION.search(path):
        return [path]
    return [f"{path}/v1", path]


def _answering(connection: Connection, bases: Sequence[str]) -> str:
    """The first of several paths that has embeddings; the first of all if none has."""
    if len(bases) > 1:
        for base in bases:
            if connection.get(f"{base}/embeddings").status == 405:  # there is another method
                return base
    return bases[0]


def _in_order(items: list[dict[str, Any]], answer: Answer) -> list[dict[str, Any]]:
    """In the order of their ``index``, where they have one."""
    indices = [item.get("index") for item in items]
    if all(index is None for index in indices):
        return items
    if sorted(index for index in indices if type(index) is int) != list(range(len(items))):
        raise answer.error(
            f"the embeddings do not have the indices 0 to {len(items) - 1}, each once: it is not "
            "known which text each belongs to"
        )
    return sorted(items, key=lambda item: item["index"])
