"""The vectors of text-embeddings-inference (TEI) 1.9: /embed, /embed_all, /similarity.

https://huggingface.github.io/text-embeddings-inference. Its requests name no model: they get the
default one, unless a field ``model`` or the header ``x-poolwise-model`` names another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import InvalidRequestError, NotSupportedError, statuses
from poolwise.serving.inputs import Input, Reading, Side
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.openai import find, readout_header
from poolwise.serving.protocols.tei_errors import ERRORS
from poolwise.serving.service import Embeddings, Service
from poolwise.serving.vectors import normalised, shortened

MODEL_HEADER = "x-poolwise-model"

Inputs = str | list[str | int | list[int]]
Direction = Literal["Left", "left", "Right", "right"]


class EmbedRequest(msgspec.Struct):
    """``inputs``: a text, the token ids of one, or several of both.

    ``truncate`` null is the server's setting, ``truncation_direction`` null the model's own side.
    ``model`` and ``readout`` are poolwise's.
    """

    inputs: Inputs
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    prompt_name: str | None = None
    normalize: bool = True
    dimensions: int | None = None
    model: str | None = None
    readout: str | None = None


class EmbedAllRequest(msgspec.Struct):
    inputs: Inputs
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    prompt_name: str | None = None
    model: str | None = None
    readout: str | None = None


class SimilarityInputs(msgspec.Struct):
    source_sentence: str
    sentences: list[str]


class SimilarityParameters(msgspec.Struct):
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    prompt_name: str | None = None


class SimilarityRequest(msgspec.Struct):
    inputs: SimilarityInputs
    parameters: SimilarityParameters | None = None
    model: str | None = None
    readout: str | None = None


def inputs_of(value: Inputs) -> list[Input]:
    """The inputs of a request. Raises InvalidRequestError for numbers beside texts or lists."""
    if isinstance(value, str):
        return [value]
    numbers = [item for item in value if isinstance(item, int)]
    if numbers and len(numbers) == len(value):
        return [numbers]
    if numbers:
        raise InvalidRequestError(
            "inputs mixes texts and numbers: expected a text, token ids, or a list of these",
            param="inputs",
        )
    return [item for item in value if not isinstance(item, int)]


def reading_of(body: EmbedRequest | EmbedAllRequest | SimilarityParameters) -> Reading:
    """How the request wants its texts read."""
    return Reading(
        truncate=body.truncate,
        side=side_of(body.truncation_direction),
        prompt_name=body.prompt_name,
        decode_ids=True,
        place="inputs[{}]",
    )


def side_of(direction: Direction | None) -> Side | None:
    """TEI writes it both ways."""
    if direction is None:
        return None
    return "left" if direction.lower() == "left" else "right"


def named(
    service: Service, body: Any, headers: Mapping[str, str]
) -> tuple[ServedModel, ServedReadout]:
    """What the request's fields or its header name, else the default. Raises UnknownModelError."""
    return find(service, body.model or headers.get(MODEL_HEADER), body.readout)


async def embed(service: Service, request: Request) -> Reply:
    body: EmbedRequest = request.body
    served, readout = named(service, body, request.headers)
    inputs = inputs_of(body.inputs)
    result = await service.embed(served, readout, inputs, reading_of(body))
    vectors = shortened(result.vectors, body.dimensions)
    if body.normalize:
        vectors = normalised(vectors)
    return Reply.json(np.ascontiguousarray(vectors), headers=headers_of(result, inputs))


async def embed_all(service: Service, request: Request) -> Reply:
    """Every token's vector in the layers that the readout reads, never normalised."""
    body: EmbedAllRequest = request.body
    served, readout = named(service, body, request.headers)
    inputs = inputs_of(body.inputs)
    result = await service.token_states(served, readout, inputs, reading_of(body))
    return Reply.json(
        [np.ascontiguousarray(states) for states in result.states],
        headers=headers_of(result, inputs),
    )


async def similarity(service: Service, request: Request) -> Reply:
    """Cosines of the source with each sentence; the source counts in the limit of inputs."""
    body: SimilarityRequest = request.body
    served, readout = named(service, body, request.headers)
    if any(step.name == "binary" for step in readout.steps.steps):
        raise NotSupportedError(f"{readout} gives packed bits, which have no cosine; see /embed")
    texts = [body.inputs.source_sentence, *body.inputs.sentences]
    reading = reading_of(body.parameters or SimilarityParameters())
    # Without sentences there is nothing to compare, which the empty request says.
    inputs: list[Input] = [*texts] if body.inputs.sentences else []
    result = await service.embed(served, readout, inputs, reading)
    return Reply.json(cosines(result.vectors), headers=headers_of(result, inputs))


def cosines(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Of the first of vectors [n, d] with each of the others, [n - 1]; 0 where one is zero."""
    doubles = vectors.astype(np.float64)
    lengths = np.linalg.norm(doubles, axis=1)
    products = doubles[1:] @ doubles[0]
    scales = lengths[1:] * lengths[0]
    return np.where(scales > 0, products / np.where(scales > 0, scales, 1), 0).astype(np.float32)


def headers_of(result: Embeddings, inputs: list[Input]) -> dict[str, str]:
    """TEI's headers of what the request took, times in milliseconds, and the readout's."""
    times = result.times
    engine = result.served.model.engine_for(result.served.precision)
    device = getattr(getattr(engine, "device", None), "type", "cpu")
    return {
        "x-compute-type": str(device),
        "x-compute-time": _milliseconds(times.total),
        "x-compute-characters": str(sum(map(len, inputs))),
        "x-compute-tokens": str(result.tokens.n_tokens),
        "x-total-time": _milliseconds(times.total),
        "x-tokenization-time": _milliseconds(times.tokenization),
        "x-queue-time": _milliseconds(times.queue),
        "x-inference-time": _milliseconds(times.inference),
        **readout_header(result),
    }


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


OPERATIONS = [
    Operation(
        "POST",
        "/embed",
        "Vectors of texts, as TEI gives them",
        embed,
        ERRORS,
        EmbedRequest,
        list[list[float]],
    ),
    Operation(
        "POST",
        "/embed_all",
        "A vector of every token",
        embed_all,
        ERRORS,
        EmbedAllRequest,
        list[list[list[float]]],
    ),
    Operation(
        "POST",
        "/similarity",
        "Cosines of one text with others",
        similarity,
        ERRORS,
        SimilarityRequest,
        list[float],
        statuses=statuses(NotSupportedError),
    ),
]
