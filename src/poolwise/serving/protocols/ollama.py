"""Ollama's embeddings.

https://github.com/ollama/ollama/blob/main/docs/api.md. Its tags are readouts here: ``demo`` and
``demo:latest`` are the model's default, ``demo:mean@-2`` another.
"""

from __future__ import annotations

from typing import Any

import msgspec

from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import InvalidRequestError
from poolwise.serving.inputs import Reading
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.protocols.openai import readout_header
from poolwise.serving.service import Embeddings, Service
from poolwise.serving.vectors import normalised

LATEST = ":latest"
"""The tag of a model's default readout."""


class OllamaError(msgspec.Struct):
    error: str


class Options(msgspec.Struct):
    """Of Ollama's options the only one that an encoder has: tokens read of a text."""

    num_ctx: int | None = None


class OllamaEmbedRequest(msgspec.Struct):
    """``keep_alive`` and further options change nothing: a served model stays loaded."""

    model: str
    input: str | list[str] | None = None
    truncate: bool | None = None
    dimensions: int | None = None
    keep_alive: str | float | None = None
    options: Options | None = None


class OllamaEmbedReply(msgspec.Struct):
    """Durations in nanoseconds; without a text there are none."""

    model: str
    embeddings: list[list[float]]
    readout: str
    total_duration: int | msgspec.UnsetType = msgspec.UNSET
    load_duration: int | msgspec.UnsetType = msgspec.UNSET
    prompt_eval_count: int | msgspec.UnsetType = msgspec.UNSET


class OllamaEmbeddingsRequest(msgspec.Struct):
    model: str
    prompt: str | None = None
    keep_alive: str | float | None = None
    options: Options | None = None


class OllamaEmbeddingsReply(msgspec.Struct):
    embedding: list[float]
    readout: str


ERRORS = ErrorFormat(OllamaError, lambda error: {"error": str(error)})


def find(service: Service, model: str) -> tuple[ServedModel, ServedReadout]:
    """What a request's ``model`` names."""
    if not model:
        raise InvalidRequestError("model is required", param="model")
    return service.catalogue.find(model.removesuffix(LATEST))


def reading_of(
    served: ServedModel, options: Options | None, *, truncate: bool | None, place: str
) -> Reading:
    """Ollama cuts long texts unless told not to, at ``num_ctx`` where that is less than the model
    reads."""
    length = options.num_ctx if options is not None else None
    if length is not None and not 0 < length < served.max_length:
        length = None
    return Reading(truncate=truncate is not False, max_length=length, place=place, allow_empty=True)


async def embed(service: Service, request: Request) -> Reply:
    """Vectors of length 1; ``dimensions`` beyond their own change nothing, as in Ollama."""
    body: OllamaEmbedRequest = request.body
    served, readout = find(service, body.model)
    single = isinstance(body.input, str)
    texts = [body.input] if isinstance(body.input, str) and body.input else body.input or []
    if not texts:
        return Reply.json({"model": body.model, "embeddings": [], "readout": str(readout)})
    place = "input" if single else "input[{}]"
    reading = reading_of(served, body.options, truncate=body.truncate, place=place)
    result = await service.embed(served, readout, texts, reading)
    vectors = normalised(result.vectors)
    if body.dimensions is not None and 0 < body.dimensions < vectors.shape[1]:
        vectors = normalised(vectors[:, : body.dimensions])
    return _reply(
        result,
        {
            "model": body.model,
            "embeddings": list(vectors),
            "total_duration": _nanoseconds(result.times.total),
            "load_duration": _nanoseconds(result.times.queue),
            "prompt_eval_count": result.tokens.n_tokens,
        },
    )


async def embeddings(service: Service, request: Request) -> Reply:
    """The old route: one text, its vector as the readout gives it."""
    body: OllamaEmbeddingsRequest = request.body
    served, readout = find(service, body.model)
    if not body.prompt:
        return Reply.json({"embedding": [], "readout": str(readout)})
    reading = reading_of(served, body.options, truncate=None, place="prompt")
    result = await service.embed(served, readout, [body.prompt], reading)
    return _reply(result, {"embedding": result.vectors[0]})


def _reply(result: Embeddings, value: dict[str, Any]) -> Reply:
    return Reply.json(value | {"readout": str(result.readout)}, headers=readout_header(result))


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


OPERATIONS = [
    Operation(
        "POST",
        "/api/embed",
        "Vectors of texts, as Ollama gives them",
        embed,
        ERRORS,
        OllamaEmbedRequest,
        OllamaEmbedReply,
        any_type=True,
    ),
    Operation(
        "POST",
        "/api/embeddings",
        "The vector of one text; Ollama's old route",
        embeddings,
        ERRORS,
        OllamaEmbeddingsRequest,
        OllamaEmbeddingsReply,
        any_type=True,
    ),
]
