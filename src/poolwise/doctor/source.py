"""Where the vectors come from whose readout is sought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


class VectorSource(Protocol):
    """What makes vectors of texts: a server, or a program in this process."""

    @property
    def description(self) -> str:
        """What a sentence calls it: ``http://127.0.0.1:8000/v1 (model demo)``."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """The vectors of ``texts``, which go out in one request, [n, d], in their order.

        Their values are as received: float64 of decimals in JSON, float32 of base64, or int8, since
        the precision is read from them. Raises EndpointError; RefusedTextError where these texts
        are refused as such.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Vectors [n, d] whose texts are known, with their values as stored.

    ``description`` is what a sentence calls them: ``vectors.npy, whose texts are texts.txt``;
    ``notes`` say which rows they are a sample of, and which were left out.
    """

    texts: Sequence[str]
    vectors: NDArray[Any]
    description: str
    notes: tuple[str, ...] = ()
