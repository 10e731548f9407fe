"""Sentences under several readouts: tokens, cosines, and the nearest to a query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from poolwise.errors import PoolwiseError
from poolwise.readouts import parse
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import (
    InvalidRequestError,
    TooManyInputsError,
)
from poolwise.serving.inputs import Reading
from poolwise.serving.operations import Reply, Request
from poolwise.serving.page.limits import MAX_READOUTS, MAX_TEXTS, check_text, check_texts
from poolwise.serving.page.tokens import ReadText, read_text
from poolwise.serving.service import Service
from poolwise.transforms.fitted_readout import FittedReadout


class CompareRequest(msgspec.Struct):
    """``readouts``: served ones or any other that needs no fit; none are the served ones."""

    texts: list[str]
    readouts: list[str] = []
    query: str | None = None
    model: str | None = None


class Neighbour(msgspec.Struct):
    """``index`` of a text, and its cosine with the query."""

    index: int
    cosine: float | None


class Comparison(msgspec.Struct):
    """One readout: cosines [n, n] of the texts, null where a vector is zero; the texts by their
    cosine with the query, the nearest first, without a query none."""

    readout: str
    width: int
    cosine: list[list[float | None]]
    nearest: list[Neighbour]


class CompareReply(msgspec.Struct):
    """``prompt`` stands in front of every text; the query is the last of ``texts``."""

    model: str
    max_length: int
    prompt: str
    texts: list[ReadText]
    readouts: list[Comparison]


async def compare(service: Service, request: Request) -> Reply:
    body: CompareRequest = request.body
    served = model_of(service, body.model)
    readouts = readouts_of(service, served, body.readouts)
    check_texts(body.texts, at_most=MAX_TEXTS)
    query = body.query if body.query and body.query.strip() else None
    if query is not None:
        check_text(query, "query")
    inputs = [*body.texts, *([query] if query is not None else [])]
    vectors, (texts, prompt) = await asyncio.gather(
        vectors_of(service, served, readouts, inputs),
        read_texts(service, served, readouts[0], inputs),
    )
    reply = CompareReply(
        served.name,
        served.max_length,
        prompt,
        texts,
        [_comparison(r, vectors[r], has_query=query is not None) for r in readouts],
    )
    return Reply.json(msgspec.to_builtins(reply))


def model_of(service: Service, name: str | None) -> ServedModel:
    """The served model of this name, the first without one. Raises UnknownModelError."""
    return service.catalogue.find(name)[0]


def readouts_of(
    service: Service, served: ServedModel, specs: Sequence[str]
) -> tuple[ServedReadout, ...]:
    """Raises InvalidRequestError, which shows the place that is wrong, and TooManyInputsError."""
    chosen = list(dict.fromkeys(specs or served.readouts))[: None if specs else MAX_READOUTS]
    if len(chosen) > MAX_READOUTS:
        raise TooManyInputsError(
            f"found {len(chosen)} readouts, expected at most {MAX_READOUTS} side by side: "
            "leave some out",
            param="readouts",
        )
    return tuple(_readout(service, served, spec) for spec in chosen)


def _readout(service: Service, served: ServedModel, spec: str) -> ServedReadout:
    if spec in served.readouts:
        return served.readouts[spec]
    try:
        ServedReadout.of(spec, FittedReadout(parse(spec)), served.model)
    except PoolwiseError as error:
        raise InvalidRequestError(str(error), param="readouts") from error
    return service.catalogue.find(f"{served.name}:{spec}")[1]


async def vectors_of(
    service: Service,
    served: ServedModel,
    readouts: Sequence[ServedReadout],
    inputs: Sequence[str],
) -> dict[ServedReadout, NDArray[Any]]:
    """One pass for all readouts; those whose file names another prompt read other texts."""
    by_prompt: dict[str | None, list[ServedReadout]] = {}
    for readout in readouts:
        by_prompt.setdefault(readout.fitted.prompt, []).append(readout)
    passes = [
        service.embed_all(served, group, inputs, Reading(place="texts[{}]"))
        for group in by_prompt.values()
    ]
    vectors: dict[ServedReadout, NDArray[Any]] = {}
    for group in await asyncio.gather(*passes):
        vectors |= group
    return vectors


async def read_texts(
    service: Service, served: ServedModel, readout: ServedReadout, inputs: Sequence[str]
) -> tuple[list[ReadText], str]:
    """What the encoder reads of each text for this readout, and the prompt in front of it."""
    reading, tokenization = Reading(place="texts[{}]"), service.tokenization
    encoder = tokenization.encoder(served, readout, reading)
    tokenized = (await tokenization.run(served, readout, inputs, reading)).texts

    def read() -> list[ReadText]:
        return [read_text(encoder, *pair) for pair in zip(inputs, tokenized, strict=True)]

    return await asyncio.to_thread(read), encoder.prefix


def _comparison(readout: ServedReadout, vectors: NDArray[Any], *, has_query: bool) -> Comparison:
    found = cosines(directions(readout, vectors))
    n = len(found) - has_query
    rows = [[_number(value) for value in row[:n]] for row in found[:n].tolist()]
    nearest: list[Neighbour] = []
    if has_query:
        scores = found[-1, :n]
        order = np.argsort(-np.nan_to_num(scores, nan=-2.0), kind="stable")
        nearest = [Neighbour(i, _number(float(scores[i]))) for i in order.tolist()]
    return Comparison(str(readout), vectors.shape[1], rows, nearest)


def directions(readout: ServedReadout, vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Vectors [n, d] as numbers whose cosine means something: of packed bits, their signs."""
    steps = readout.fitted.readout.steps
    if steps and steps[-1].name == "binary":
        packed = (vectors.astype(np.int16) + 128).astype(np.uint8)
        return np.unpackbits(packed, axis=1).astype(np.float64) * 2 - 1
    return vectors.astype(np.float64)


def cosines(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, d] → [n, n]; NaN for a vector of length zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = vectors / lengths
    return np.asarray((unit @ unit.T).clip(-1, 1))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 5)
