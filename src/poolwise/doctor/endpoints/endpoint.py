"""A server over HTTP as a source of vectors; each protocol adds its path and its two shapes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from poolwise.doctor.endpoints.answer import Answer
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.vectors import vectors_of


class HTTPEndpoint(ABC):
    """A VectorSource; ``path`` is that of its requests. ``model`` is the name that it is asked for,
    None where the protocol has none."""

    def __init__(self, connection: Connection, path: str, model: str | None) -> None:
        self.connection, self.path, self.model = connection, path, model

    @classmethod
    @abstractmethod
    def open(cls, connection: Connection, model: str | None) -> Self:
        """The server there. Raises OptionError where ``model`` must be given, or another be."""

    @property
    def url(self) -> str:
        """Where vectors are asked for, without what may be secret."""
        return self.connection.address.shown(self.path)

    @property
    def description(self) -> str:
        """``http://127.0.0.1:8000/v1/embeddings (model demo)``"""
        return self.url + (f" (model {self.model})" if self.model else "")

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """As of VectorSource: at least one text, one request. Raises EndpointError."""
        answer = self.connection.post(self.path, self.request(texts), of_texts=True)
        return vectors_of(self.rows(answer), len(texts), answer.error)

    @abstractmethod
    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        """The body of a request."""

    @abstractmethod
    def rows(self, answer: Answer) -> Any:
        """What should be the vectors of the texts, in their order. Raises EndpointError."""

    def close(self) -> None:
        """Close the connections, which ends with the object otherwise."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
