"""A few sentences from inside: the document of ``poolwise inspect``, for its own scripts."""

from __future__ import annotations

import asyncio
import threading
import warnings
from contextlib import suppress
from typing import Any

import msgspec

from poolwise.errors import MissingExtraError, PoolwiseWarning
from poolwise.json_values import short, to_plain
from poolwise.model import Model
from poolwise.serving.errors import TooLongError
from poolwise.serving.inputs import Reading
from poolwise.serving.operations import Reply, Request
from poolwise.serving.page.compare import model_of
from poolwise.serving.page.limits import MAX_INSIDE_TEXTS, MAX_INSIDE_TOKENS, check_texts
from poolwise.serving.service import Service

DIGITS = 5

OPENING = threading.Lock()
"""Requests at the same time open one engine, not one each."""


class InsideRequest(msgspec.Struct):
    texts: list[str]
    model: str | None = None


class InsideReply(msgspec.Struct):
    """What ``poolwise inspect --json`` gives: of each text its tokens, norms by layer [t][layers],
    and the weights of its tokens in [CLS], by method [layers][t]."""

    verdict: str
    made: dict[str, Any]
    special_tokens: list[dict[str, Any]]
    sentences: list[dict[str, Any]]
    methods: list[dict[str, str]]
    notes: list[str]


async def inside(service: Service, request: Request) -> Reply:
    body: InsideRequest = request.body
    served = model_of(service, body.model)
    check_texts(body.texts, at_most=MAX_INSIDE_TEXTS)
    reading = Reading(place="texts[{}]")
    model = service.tokenization.encoder(served, served.default, reading)
    tokens = await service.tokenization.run(served, served.default, body.texts, reading)
    for i, text in enumerate(tokens.texts):
        if text.n_tokens > MAX_INSIDE_TOKENS:
            raise TooLongError(
                f"texts[{i}] has {text.n_tokens} tokens; up to {MAX_INSIDE_TOKENS} are shown from "
                "inside: shorten it, or run poolwise inspect",
                param=f"texts[{i}]",
            )
    await asyncio.to_thread(_prepare, model)
    document = await service.call(lambda: _inspected(model, body.texts), n_tokens=tokens.n_tokens)
    return Reply.json(document)


def _prepare(model: Model) -> None:
    """What takes seconds the first time, outside the thread that others wait for."""
    import poolwise.inspection.weights  # noqa: F401, PLC0415
    from poolwise.engines import engine_of  # noqa: PLC0415

    # Without the extra, a note of the document says what is missing.
    with OPENING, suppress(MissingExtraError):
        engine_of(model, attentions=True)


def _inspected(model: Model, texts: list[str]) -> Any:
    from poolwise.inspection import inspect  # noqa: PLC0415 - slow to import

    with warnings.catch_warnings():  # what was cut is in the document
        warnings.simplefilter("ignore", PoolwiseWarning)
        return short(to_plain(inspect(model, texts, (), weights=True)), DIGITS)
