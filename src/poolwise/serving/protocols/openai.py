"""OpenAI's embeddings and models, with the fields that vLLM adds.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np

from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import InvalidRequestError, RequestError, UnknownModelError
from poolwise.serving.inputs import Input, Reading, Side
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.protocols import messages
from poolwise.serving.protocols.messages import Message
from poolwise.serving.service import Embeddings, Service
from poolwise.serving.vectors import as_base64, shortened
from poolwise.version import __version__

READOUT_HEADER = "x-poolwise-readout"


class ErrorDetail(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(msgspec.Struct):
    error: ErrorDetail


class EmbeddingsRequest(msgspec.Struct):
    """``input``: a text, texts, the token ids of one, or of several; or ``messages`` of one text
    each, as vLLM takes them."""

    input: str | list[str | int | list[int]] | None = None
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    user: str | None = None
    truncate_prompt_tokens: int | None = None
    truncation_side: Literal["left", "right"] | None = None
    add_special_tokens: bool = True
    prompt: str | None = None
    prompt_name: str | None = None
    readout: str | None = None
    messages: list[Message | list[Message]] | None = None


class EmbeddingObject(msgspec.Struct):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Usage(msgspec.Struct):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsReply(msgspec.Struct):
    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: Usage
    readout: str


class ModelObject(msgspec.Struct):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    max_model_len: int
    readout: str
    dimensions: int
    precision: str
    fingerprint: str


class ModelsReply(msgspec.Struct):
    object: Literal["list"]
    data: list[ModelObject]


def _error(error: RequestError) -> dict[str, Any]:
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    fallback = "server_error" if error.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": str(error),
            "type": kinds.get(error.status, fallback),
            "param": error.param or None,
            "code": error.code,
        }
    }


ERRORS = ErrorFormat(OpenAIError, _error)


def find(
    service: Service, model: str | None, readout: str | None = None
) -> tuple[ServedModel, ServedReadout]:
    """What a request's ``model`` and, where it has one, ``readout`` name."""
    served, named = service.catalogue.find(model)
    if readout is None:
        return served, named
    try:
        return service.catalogue.find(f"{served.name}:{readout}")
    except UnknownModelError as error:
        raise UnknownModelError(str(error), param="readout") from error


def inputs_of(service: Service, value: str | list[Any], field: str = "input") -> list[Input]:
    """The inputs of a request; token ids only where the server takes them."""
    if isinstance(value, str):
        return [value]
    if all(isinstance(item, str) for item in value):
        return value
    kinds = {type(item) for item in value}
    if kinds not in ({int}, {list}):
        raise InvalidRequestError(
            f"{field} mixes texts and token ids: expected texts, or token ids", param=field
        )
    if not service.settings.accept_token_ids:
        raise InvalidRequestError(
            f"{field} holds token ids, which another model's tokenizer may have made: send texts. "
            "LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False). A server whose clients "
            "use this model's own tokenizer is started with --accept-token-ids",
            param=field,
        )
    return [value] if kinds == {int} else value


def request_inputs(service: Service, body: EmbeddingsRequest) -> list[Input]:
    """The request's ``input``, or the texts of its ``messages``. Raises InvalidRequestError."""
    if body.messages is not None and body.input is None:
        return [*messages.texts_of(body.messages)]
    if body.input is None or body.messages is not None:
        found = "neither" if body.input is None else "both"
        raise InvalidRequestError(
            f"expected input, or messages in its place; found {found}", param="input"
        )
    return inputs_of(service, body.input)


def reading_of(service: Service, body: EmbeddingsRequest, served: ServedModel) -> Reading:
    """How the request wants its texts read, vLLM's fields included."""
    length = body.truncate_prompt_tokens
    if length is not None and length < -1:
        raise InvalidRequestError(
            f"truncate_prompt_tokens is {length}, expected a number of tokens, or -1 for all that "
            "the model reads",
            param="truncate_prompt_tokens",
        )
    side: Side | None = body.truncation_side
    return Reading(
        truncate=True if length is not None else None,
        max_length=None if length in (None, -1) else length,
        side=side,
        prompt=body.prompt,
        prompt_name=body.prompt_name,
        special_tokens=body.add_special_tokens,
    )


def check_dimensions(
    service: Service,
    served: ServedModel,
    readout: ServedReadout,
    dimensions: int | None,
    *,
    param: str = "dimensions",
) -> None:
    """Raise InvalidRequestError where the readout's vectors may not be cut to ``dimensions``."""
    if dimensions not in (None, readout.width) and not service.settings.shorten:
        raise InvalidRequestError(
            f"{param} is {dimensions}, and {served.name} was not trained to be cut: its vectors "
            f"have {readout.width}. A server whose model was is started with --shorten",
            param=param,
        )


async def embeddings(service: Service, request: Request) -> Reply:
    body: EmbeddingsRequest = request.body
    served, readout = find(service, body.model, body.readout)
    check_dimensions(service, served, readout, body.dimensions)
    inputs = request_inputs(service, body)
    result = await service.embed(served, readout, inputs, reading_of(service, body, served))
    vectors = shortened(result.vectors, body.dimensions)
    encode = as_base64 if body.encoding_format == "base64" else np.ascontiguousarray
    n_tokens = result.tokens.n_tokens
    return Reply.json(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": i, "embedding": encode(row)}
                for i, row in enumerate(vectors)
            ],
            "model": body.model or served.name,
            "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
            "readout": str(readout),
        },
        headers=readout_header(result),
    )


def readout_header(result: Embeddings) -> dict[str, str]:
    """The header that says which readout made the vectors."""
    return {READOUT_HEADER: str(result.readout)}


async def models(service: Service, request: Request) -> Reply:
    data = []
    for name in service.catalogue.names:
        served, readout = service.catalogue.find(name)
        data.append(
            {
                "id": name,
                "object": "model",
                "created": served.created,
                "owned_by": f"poolwise {__version__}",
                "max_model_len": served.max_length,
                "readout": str(readout),
                "dimensions": readout.width,
                "precision": served.model.engine_for(served.precision).precision,
                "fingerprint": served.model.hash,
            }
        )
    return Reply.json({"object": "list", "data": data})


def _vectors(path: str, summary: str) -> Operation:
    return Operation(
        "POST",
        path,
        summary,
        embeddings,
        ERRORS,
        EmbeddingsRequest,
        EmbeddingsReply,
    )


OPERATIONS = [
    _vectors("/v1/embeddings", "Vectors of texts, as OpenAI's API gives them"),
    _vectors("/embeddings", "The same as /v1/embeddings"),
    # Without a key, as MTEB's client asks for it.
    Operation(
        "GET",
        "/v1/models",
        "What is served: models and their readouts",
        models,
        ERRORS,
        reply=ModelsReply,
        public=True,
    ),
]
