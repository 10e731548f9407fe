"""vLLM's ``/pooling``: a vector a text, or a vector a token.

https://docs.vllm.ai/en/latest/models/pooling_models
"""

from __future__ import annotations

import time
from typing import Any, Literal
from uuid import uuid4

import msgspec
import orjson
from numpy.typing import NDArray

from poolwise.serving.errors import InvalidRequestError
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.openai import (
    ERRORS,
    EmbeddingsRequest,
    Usage,
    check_dimensions,
    find,
    reading_of,
    readout_header,
    request_inputs,
)
from poolwise.serving.service import Service
from poolwise.serving.vectors import as_base64, json_fragments, normalised, shortened


class PoolingRequest(EmbeddingsRequest):
    """``task``: a vector of the readout for each text, or one for each token, special tokens
    included, of the layers that the readout reads. ``use_activation``: vectors of length 1; by
    default those of tokens are, as in vLLM, and those of texts as the readout gives them.
    """

    task: Literal["embed", "token_embed"] | None = None
    use_activation: bool | None = None


class PoolingObject(msgspec.Struct):
    index: int
    object: Literal["pooling"]
    data: list[list[float] | float] | str


class PoolingReply(msgspec.Struct):
    id: str
    object: Literal["list"]
    created: int
    model: str
    data: list[PoolingObject]
    usage: Usage
    readout: str


async def pooling(service: Service, request: Request) -> Reply:
    """Without a task the vectors of tokens, as vLLM's where a model has both."""
    body: PoolingRequest = request.body
    served, readout = find(service, body.model, body.readout)
    inputs, reading = request_inputs(service, body), reading_of(service, body, served)
    arrays: list[NDArray[Any]]
    if body.task == "embed":
        check_dimensions(service, served, readout, body.dimensions)
        result = await service.embed(served, readout, inputs, reading)
        vectors = shortened(result.vectors, body.dimensions)
        arrays = list(normalised(vectors) if body.use_activation else vectors)
    else:
        if body.dimensions is not None:
            raise InvalidRequestError(
                "dimensions: tokens have all of theirs; leave it out, or ask for task embed",
                param="dimensions",
            )
        result = await service.token_states(served, readout, inputs, reading)
        arrays = [
            states if body.use_activation is False else normalised(states)
            for states in result.states
        ]
    data: list[str] | list[orjson.Fragment]
    if body.encoding_format == "base64":
        data = [as_base64(array) for array in arrays]
    else:
        data = await json_fragments(arrays)
    n_tokens = result.tokens.n_tokens
    return Reply.json(
        {
            "id": f"pool-{uuid4().hex}",
            "object": "list",
            "created": int(time.time()),
            "model": body.model or served.name,
            "data": [
                {"index": i, "object": "pooling", "data": value} for i, value in enumerate(data)
            ],
            "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
            "readout": str(readout),
        },
        headers=readout_header(result),
    )


OPERATIONS = [
    Operation(
        "POST",
        "/pooling",
        "Vectors of texts or of their tokens, as vLLM gives them",
        pooling,
        ERRORS,
        PoolingRequest,
        PoolingReply,
    )
]
