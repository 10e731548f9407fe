"""TEI's /tokenize and /decode: texts to tokens with their places, and back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec

from poolwise.errors import RowError
from poolwise.model import Model
from poolwise.serving.errors import (
    DeadlineError,
    EmptyInputError,
    InvalidRequestError,
    TokenizationError,
    TooLongError,
    TooManyInputsError,
)
from poolwise.serving.inputs import CHARACTERS_A_TOKEN, Reading
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.tei import named
from poolwise.serving.protocols.tei_errors import ERRORS
from poolwise.serving.service import Service


class TokenizeRequest(msgspec.Struct):
    inputs: str | list[str]
    add_special_tokens: bool = True
    prompt_name: str | None = None
    model: str | None = None
    readout: str | None = None


class TEIToken(msgspec.Struct):
    """``start`` and ``stop`` are UTF-8 bytes into the prompt and the text; null for tokens that
    the tokenizer has added."""

    id: int
    text: str
    special: bool
    start: int | None
    stop: int | None


class DecodeRequest(msgspec.Struct):
    ids: list[int | list[int]]
    skip_special_tokens: bool = True
    model: str | None = None
    readout: str | None = None


async def tokenize(service: Service, request: Request) -> Reply:
    """The whole text's tokens, also beyond what the model reads."""
    body: TokenizeRequest = request.body
    served, readout = named(service, body, request.headers)
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    _check(service, texts, "inputs")
    encoder = service.tokenization.encoder(served, readout, Reading(prompt_name=body.prompt_name))
    limit = CHARACTERS_A_TOKEN * encoder.max_length
    for index, text in enumerate(texts):
        if len(text) > limit:
            raise TooLongError(
                f"inputs[{index}] has {len(text):,} characters, at most {limit:,}", param="inputs"
            )
    most, seconds = service.settings.max_request_tokens, service.settings.request_seconds
    deadline = time.monotonic() + seconds

    def read() -> list[list[dict[str, Any]]]:
        found: list[list[dict[str, Any]]] = []
        left = most
        for index, text in enumerate(texts):
            if time.monotonic() > deadline:
                raise DeadlineError(f"the texts took more than {seconds:g} s; send fewer")
            try:
                spans = encoder.tokenizer.spans(encoder.prefix + text)
            except RowError as error:
                raise TokenizationError(
                    f"inputs[{index}]: {error.reason}", param="inputs"
                ) from error
            left -= len(spans)
            if left < 0:
                raise TooManyInputsError(
                    f"more than {most:,} tokens in one request: divide it", param="inputs"
                )
            found.append(tokens_of(encoder, encoder.prefix + text, spans))
            if body.add_special_tokens:
                before, after = encoder.tokenizer.frame
                found[-1] = [*_added(encoder, before), *found[-1], *_added(encoder, after)]
        return found

    return Reply.json(await service.tokenization.call(read, sum(map(len, texts)), encoder))


def tokens_of(
    encoder: Model, text: str, spans: Sequence[tuple[int, int, int]]
) -> list[dict[str, Any]]:
    """The tokens of ``text``, whose places are characters, with places in bytes."""
    if text.isascii():
        places: Sequence[int] = range(len(text) + 1)
    else:
        places = [0, *accumulate(len(character.encode()) for character in text)]
    return [
        {
            "id": number,
            "text": text[start:stop],
            "special": False,
            "start": places[start],
            "stop": places[stop],
        }
        for number, start, stop in spans
    ]


def _added(encoder: Model, ids: Sequence[int]) -> list[dict[str, Any]]:
    names = [encoder.tokenizer.token(number) for number in ids]
    return [
        {"id": number, "text": name, "special": True, "start": None, "stop": None}
        for number, name in zip(ids, names, strict=True)
    ]


async def decode(service: Service, request: Request) -> Reply:
    body: DecodeRequest = request.body
    served, _ = named(service, body, request.headers)
    numbers = [item for item in body.ids if isinstance(item, int)]
    lists = [item for item in body.ids if not isinstance(item, int)]
    if numbers and lists:
        raise InvalidRequestError(
            "ids mixes numbers and lists: expected token ids, or lists of them", param="ids"
        )
    rows = [numbers] if numbers else lists
    _check(service, rows, "ids")
    tokenizer = served.model.tokenizer
    for index, row in enumerate(rows):
        if not all(0 <= number < tokenizer.vocab_size for number in row):
            raise TokenizationError(
                f"ids[{index}]: token ids are from 0 to {tokenizer.vocab_size - 1}", param="ids"
            )

    def read() -> list[str]:
        return [tokenizer.decode(row, skip_special_tokens=body.skip_special_tokens) for row in rows]

    return Reply.json(await service.tokenization.call(read, sum(map(len, rows)), served.model))


def _check(service: Service, values: Sequence[Sequence[Any]], field: str) -> None:
    limit = service.settings.max_inputs
    if not values:
        raise EmptyInputError(f"{field} is empty", param=field)
    if len(values) > limit:
        raise TooManyInputsError(
            f"{len(values):,} {field} in one request; at most {limit:,}", param=field
        )
    for index, value in enumerate(values):
        if not value:
            raise EmptyInputError(f"{field}[{index}] is empty", param=f"{field}[{index}]")


OPERATIONS = [
    Operation(
        "POST",
        "/tokenize",
        "The tokens of texts and their places",
        tokenize,
        ERRORS,
        TokenizeRequest,
        list[list[TEIToken]],
        queued=False,
    ),
    Operation(
        "POST",
        "/decode",
        "The texts of token ids",
        decode,
        ERRORS,
        DecodeRequest,
        list[str],
        queued=False,
    ),
]
