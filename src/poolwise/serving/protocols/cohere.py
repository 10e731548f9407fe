"""Cohere's ``/v2/embed``: vectors as several types of number in one reply.

https://docs.cohere.com/reference/embed
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import uuid4

import msgspec
import numpy as np
from numpy.typing import NDArray

from poolwise.errors import listed
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import InvalidRequestError, TooManyInputsError
from poolwise.serving.inputs import Reading, Side
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.protocols.openai import check_dimensions, find, readout_header
from poolwise.serving.service import Service
from poolwise.serving.vectors import as_base64, normalised, shortened
from poolwise.transforms.quantization import binary

MAX_TEXTS = 96

EmbeddingType = Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]

PROMPTS = {"search_query": "query", "search_document": "document"}
"""Prompts of sentence-transformers by Cohere's ``input_type``."""

INPUT_TYPES = (*PROMPTS, "classification", "clustering")


class CohereError(msgspec.Struct):
    message: str


class CohereContent(msgspec.Struct):
    type: str
    text: str | None = None


class CohereInput(msgspec.Struct):
    content: list[CohereContent]


class CohereRequest(msgspec.Struct):
    """``priority`` changes nothing: requests are answered in their order."""

    model: str
    input_type: str | None = None
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[CohereInput] | None = None
    embedding_types: list[EmbeddingType] | None = None
    output_dimension: int | None = None
    max_tokens: int | None = None
    truncate: Literal["NONE", "START", "END"] | None = None
    priority: int | None = None
    readout: str | None = None


class CohereEmbeddings(msgspec.Struct, rename={"floats": "float"}, omit_defaults=True):
    """What the request's ``embedding_types`` name."""

    floats: list[list[float]] | None = None
    int8: list[list[int]] | None = None
    uint8: list[list[int]] | None = None
    binary: list[list[int]] | None = None
    ubinary: list[list[int]] | None = None
    base64: list[str] | None = None


class ApiVersion(msgspec.Struct):
    version: str


class BilledUnits(msgspec.Struct):
    input_tokens: int


class Meta(msgspec.Struct):
    api_version: ApiVersion
    billed_units: BilledUnits


class CohereReply(msgspec.Struct):
    id: str
    embeddings: CohereEmbeddings
    texts: list[str]
    meta: Meta
    readout: str


ERRORS = ErrorFormat(CohereError, lambda error: {"message": str(error)})


def texts_of(body: CohereRequest) -> list[str]:
    """The texts of a request, at most 96. Raises InvalidRequestError, TooManyInputsError."""
    if body.images is not None:
        raise InvalidRequestError("images: this server reads texts only", param="images")
    if (body.texts is None) == (body.inputs is None):
        raise InvalidRequestError("expected texts or inputs, one of them", param="texts")
    texts = [_text(i, value) for i, value in enumerate(body.inputs or [])]
    texts = texts if body.texts is None else body.texts
    if len(texts) > MAX_TEXTS:
        raise TooManyInputsError(
            f"{len(texts):,} texts in one request; at most {MAX_TEXTS}", param="texts"
        )
    return texts


def _text(index: int, value: CohereInput) -> str:
    match value.content:
        case [CohereContent("text", str(text))]:
            return text
    place = f"inputs[{index}].content"
    raise InvalidRequestError(f"{place}: expected one part of type text", param=place)


def reading_of(served: ServedModel, body: CohereRequest) -> Reading:
    """How the request wants its texts read: Cohere cuts the end of long ones unless told not to."""
    side: Side = "left" if body.truncate == "START" else "right"
    length = body.max_tokens
    return Reading(
        truncate=body.truncate != "NONE",
        max_length=length if length is not None and length < served.max_length else None,
        side=side,
        prompt_name=prompt_name(served, body.input_type),
        place="texts[{}]" if body.inputs is None else "inputs[{}]",
    )


def prompt_name(served: ServedModel, input_type: str | None) -> str | None:
    """The model's prompt of the same name, or for search that for queries or for documents; None
    is its default. Raises InvalidRequestError for what is neither Cohere's name nor the model's."""
    names = served.model.prompts.texts
    if input_type is None or input_type in names:
        return input_type
    if input_type not in INPUT_TYPES:
        expected = listed(dict.fromkeys([*INPUT_TYPES, *names]))
        raise InvalidRequestError(
            f"input_type is {input_type!r:.60}, expected one of {expected}", param="input_type"
        )
    return PROMPTS.get(input_type)


Encoding = Callable[[NDArray[Any]], Sequence[Any]]


def _int8(vectors: NDArray[Any]) -> NDArray[np.int8]:
    """Vectors of length 1 times 127, rounded.

    Ranges per dimension, as sentence-transformers' ``quantize_embeddings`` takes them, need other
    texts: a request's own would make a text's numbers depend on its neighbours. The readout's step
    ``int8``, fitted before, is the finer one.
    """
    return np.rint(127 * normalised(vectors).astype(np.float64)).astype(np.int8)


def _unsigned(vectors: NDArray[np.int8]) -> NDArray[np.uint8]:
    """128 more, as in Cohere and in sentence-transformers."""
    return (vectors.astype(np.int16) + 128).astype(np.uint8)


def _base64(vectors: NDArray[Any]) -> list[str]:
    return [as_base64(row) for row in vectors]


FLOAT_ENCODINGS: dict[str, Encoding] = {
    "float": list,
    "base64": _base64,
    "int8": lambda vectors: list(_int8(vectors)),
    "uint8": lambda vectors: list(_unsigned(_int8(vectors))),
    "binary": lambda vectors: list(binary(vectors)),
    "ubinary": lambda vectors: list(_unsigned(binary(vectors))),
}
"""What becomes of float32 vectors [n, d]."""


def encodings(readout: ServedReadout) -> dict[str, Encoding]:
    """The types of number that the readout's vectors can have."""
    last = readout.steps.steps[-1].name if readout.steps.steps else ""
    if last not in ("int8", "binary"):
        return FLOAT_ENCODINGS
    return {last: list, f"u{last}": lambda vectors: list(_unsigned(vectors))}


async def embed(service: Service, request: Request) -> Reply:
    body: CohereRequest = request.body
    served, readout = find(service, body.model, body.readout)
    check_dimensions(service, served, readout, body.output_dimension, param="output_dimension")
    possible, wanted = encodings(readout), dict.fromkeys(body.embedding_types or ["float"])
    if missing := [name for name in wanted if name not in possible]:
        raise InvalidRequestError(
            f"{readout} gives embedding_types {listed(possible)}; found {listed(missing)}",
            param="embedding_types",
        )
    texts = texts_of(body)
    result = await service.embed(served, readout, texts, reading_of(served, body))
    vectors = shortened(result.vectors, body.output_dimension, param="output_dimension")
    return Reply.json(
        {
            "id": str(uuid4()),
            "embeddings": {name: possible[name](np.ascontiguousarray(vectors)) for name in wanted},
            "texts": texts,
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"input_tokens": result.tokens.n_tokens},
            },
            "readout": str(readout),
        },
        headers=readout_header(result),
    )


OPERATIONS = [
    Operation(
        "POST",
        "/v2/embed",
        "Vectors of texts, as Cohere gives them",
        embed,
        ERRORS,
        CohereRequest,
        CohereReply,
    )
]
