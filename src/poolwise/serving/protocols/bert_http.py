"""bert-as-service's HTTP: POST /encode, GET /status/server, GET /status/client."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import orjson

from poolwise.serving.bodies import FORM
from poolwise.serving.errors import InvalidRequestError, RequestError
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.protocols.bert_as_service import BertServer
from poolwise.serving.protocols.bert_encoding import check_texts
from poolwise.serving.protocols.bert_status import SERVER_VERSION
from poolwise.serving.protocols.openai import READOUT_HEADER
from poolwise.serving.service import Service

CORS = {"access-control-allow-origin": "*"}

PREFLIGHT = CORS | {
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "86400",
}


class EncodeRequest(msgspec.Struct):
    """``texts``: texts, or lists of tokens; one text alone is a list of one."""

    id: int | float | str | None
    texts: str | list[str | list[str]]
    is_tokenized: bool = False


class EncodeReply(msgspec.Struct):
    """``result`` and ``results`` are the same: the original's code has one, its README both."""

    id: int | float | str | None
    result: list[list[float | list[float]]]
    results: list[list[float | list[float]]]
    status: int
    readout: str


class BertError(msgspec.Struct):
    status: int
    type: str
    description: str


def _error(error: RequestError) -> dict[str, Any]:
    return {"status": error.status, "type": type(error).__name__, "description": str(error)}


ERRORS = ErrorFormat(BertError, _error, headers=CORS)


def operations(bert: BertServer) -> list[Operation]:
    """The operations over the server's own vectors."""
    preflight = [
        Operation("OPTIONS", path, "What a browser may send", _preflight, ERRORS, public=True)
        for path in ("/encode", "/status/server", "/status/client")
    ]
    status = [
        Operation(
            "GET",
            "/status/server",
            "Flags and counters",
            partial(_server, bert),
            ERRORS,
            reply=dict,
        ),
        Operation(
            "GET",
            "/status/client",
            "What a client of bert-as-service says of itself",
            partial(_client, bert),
            ERRORS,
            reply=dict,
        ),
    ]
    encode = Operation(
        "POST",
        "/encode",
        "Vectors of texts, as bert-as-service gives them",
        partial(_encode, bert),
        ERRORS,
        EncodeRequest,
        EncodeReply,
        statuses=frozenset({424}),
        form=True,
    )
    return [encode, *status, *preflight]


async def _encode(bert: BertServer, service: Service, request: Request) -> Reply:
    body: EncodeRequest = request.body
    texts = check_texts(_texts(body.texts, request))
    if body.is_tokenized == isinstance(texts[0], str):
        wanted = "lists of tokens" if body.is_tokenized else "texts"
        raise InvalidRequestError(
            f"is_tokenized is {str(body.is_tokenized).lower()}: expected texts to be {wanted}",
            param="texts",
        )
    bert.statistics.requested(b"http", len(texts))
    encoded = await bert.encoding.encode(texts)
    readout = str(bert.encoding.readout)
    vectors = orjson.Fragment(orjson.dumps(encoded.vectors, option=orjson.OPT_SERIALIZE_NUMPY))
    reply = {"id": body.id, "result": vectors, "results": vectors, "status": 200}
    return Reply.json(reply | {"readout": readout}, headers=CORS | {READOUT_HEADER: readout})


def _texts(value: str | list[Any], request: Request) -> list[Any]:
    """Of a form also a list that is written as JSON."""
    if not isinstance(value, str):
        return value
    if request.headers.get("content-type", "").startswith(FORM) and value.startswith("["):
        try:
            return list(orjson.loads(value))
        except orjson.JSONDecodeError:
            return [value]
    return [value]


async def _server(bert: BertServer, service: Service, request: Request) -> Reply:
    bert.statistics.requested(b"http", None)
    return Reply.json(bert.describe(b"http", statistic=True) | {"status": 200}, headers=CORS)


async def _client(bert: BertServer, service: Service, request: Request) -> Reply:
    """The keys of the original client's ``status``; here no client stands between."""
    bert.statistics.requested(b"http", None)
    status = {
        "identity": "http",
        "num_request": bert.statistics.data_requests + bert.statistics.system_requests,
        "num_pending_request": bert.pending,
        "pending_request": [],
        "output_fmt": "list",
        "port": bert.sockets.port,
        "port_out": bert.sockets.port_out,
        "server_ip": bert.host,
        "client_version": SERVER_VERSION,
        "timeout": -1,
        "status": 200,
    }
    return Reply.json(status, headers=CORS)


async def _preflight(service: Service, request: Request) -> Reply:
    return Reply(b"", media_type="text/plain", headers=PREFLIGHT)
