"""One operation as an ASGI application: key, body, handler, reply, metrics and log."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from poolwise.errors import PoolwiseError
from poolwise.serving.bodies import ClientLeftError, Receive, parse, read_body
from poolwise.serving.connected import while_connected
from poolwise.serving.errors import (
    ComputationError,
    KeyMissingError,
    RequestError,
    UnavailableError,
)
from poolwise.serving.log import LOG, where
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.service import Service

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLIENT_LEFT = 499
"""What metrics and log call a request whose client left before the reply (nginx's number)."""


class Endpoint:
    """Answers one operation."""

    def __init__(self, operation: Operation, service: Service) -> None:
        self.operation, self.service = operation, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, service = time.perf_counter(), self.service
        service.metrics.inflight.inc()
        try:
            reply = await self._reply(scope, receive)
            if reply is not None:
                await write(reply, scope, send, last=service.draining)
        finally:
            service.metrics.inflight.dec()
        status = CLIENT_LEFT if reply is None else reply.status
        seconds = time.perf_counter() - started
        service.metrics.answered(self.operation.path, status, seconds)
        LOG.info(
            "request",
            extra={
                "route": f"{scope['method']} {self.operation.path}",
                "status": status,
                "seconds": round(seconds, 6),
            },
        )

    async def _reply(self, scope: Scope, receive: Receive) -> Reply | None:
        """The reply; None where the client has left."""
        operation = self.operation
        headers = headers_of(scope)
        try:
            if not operation.public:
                check_key(headers, self.service.settings.api_keys)
            body = None
            if operation.body is not None:
                content = await read_body(receive, headers, self.service.settings)
                body = parse(
                    content,
                    operation.body,
                    headers,
                    form=operation.form,
                    any_type=operation.any_type,
                )
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            handling = operation.handle(self.service, Request(body, headers, query))
            return await while_connected(handling, scope, receive)
        except ClientLeftError:
            return None
        except RequestError as error:
            if error.status == 429:
                self.service.metrics.rejected("overloaded")
            return operation.errors.reply(error)
        except PoolwiseError as error:
            return operation.errors.reply(ComputationError(str(error)))
        except asyncio.CancelledError:
            if not self.service.draining:
                raise
            return operation.errors.reply(UnavailableError("the server stops", retry_after=5))
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a panic of Rust's too: the reply says so, all else goes on
            # Without its traceback, whose message may quote a text.
            LOG.error("failure", extra={"route": operation.path, "error": where(error)})
            return operation.errors.reply(
                ComputationError(f"an error of the server ({type(error).__name__}), not of yours")
            )


async def write(reply: Reply, scope: Scope, send: Send, *, last: bool = False) -> None:
    """Send the reply whole; ``last``: no more requests on this connection."""
    headers = [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.content)).encode()),
        *(
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in reply.headers.items()
        ),
    ]
    if last and "connection" not in reply.headers:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    content = b"" if scope["method"] == "HEAD" else reply.content
    await send({"type": "http.response.body", "body": content})


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers by lower-case name; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def check_key(headers: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """Raise KeyMissingError unless the request has one of the keys. Takes the same time for all."""
    if not keys:
        return
    scheme, _, key = headers.get("authorization", "").partition(" ")
    given = key.strip().encode() if scheme.lower() == "bearer" else b""
    fits = [hmac.compare_digest(given, known.encode()) for known in keys]
    if not any(fits):
        what = "a wrong key" if given else "no key"
        raise KeyMissingError(f"found {what}; send the header Authorization: Bearer KEY")
