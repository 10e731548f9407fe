"""A few sentences from inside: the document of ``poolwise inspect``, for its own scripts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from poolwise.errors import MissingExtraError
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
    """What ``poolwise inspect --json`` gives, of each text its tokens, norms by layer [t][layers],
    and the weights of its tokens in [CLS], by method [layers][t]."""

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
    documents = [  # one after the other, so that other requests have their turn between
        await service.call(partial(_inspected, model, text), n_tokens=read.n_tokens)
        for text, read in zip(body.texts, tokens.texts, strict=True)
    ]
    return Reply.json(_joined(documents))


def _prepare(model: Model) -> None:
    """What takes seconds the first time, outside the thread that others wait for."""
    import poolwise.inspection.weights  # noqa: F401, PLC0415
    from poolwise.engines import engine_of  # noqa: PLC0415

    # Without the extra, a note of the document says what is missing.
    with OPENING, suppress(MissingExtraError):
        engine_of(model, attentions=True)


def _inspected(model: Model, text: str) -> dict[str, Any]:
    from poolwise.inspection import inspect  # noqa: PLC0415 - slow to import

    document = inspect(model, [text], (), weights=True)
    plain: dict[str, Any] = short(to_plain(document), DIGITS)
    return plain


def _joined(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The document of all sentences, from those of each."""
    special = {token["id"]: token for one in documents for token in one["special_tokens"]}
    return {
        "made": documents[0]["made"],
        "special_tokens": [special[number] for number in sorted(special)],
        "sentences": [sentence for one in documents for sentence in one["sentences"]],
        "methods": documents[0]["methods"],
        "notes": documents[0]["notes"],
    }
