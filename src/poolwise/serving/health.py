"""Whether the server lives, and whether it takes requests; metrics."""

from __future__ import annotations

import msgspec

from poolwise.serving.errors import UnavailableError
from poolwise.serving.metrics import MEDIA_TYPE
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.openai import ERRORS
from poolwise.serving.service import Service


class Health(msgspec.Struct):
    status: str


async def livez(service: Service, request: Request) -> Reply:
    return Reply.json({"status": "alive"})


async def readyz(service: Service, request: Request) -> Reply:
    if reason := service.unready:
        raise UnavailableError(reason, retry_after=1)
    return Reply.json({"status": "ready"})


async def metrics(service: Service, request: Request) -> Reply:
    return Reply(service.metrics.text(), media_type=MEDIA_TYPE)


def _ready(path: str, summary: str) -> Operation:
    unready = frozenset({503})
    return Operation(
        "GET", path, summary, readyz, ERRORS, reply=Health, statuses=unready, public=True
    )


OPERATIONS = [
    Operation("GET", "/livez", "The process lives", livez, ERRORS, reply=Health, public=True),
    _ready("/readyz", "Requests are welcome: warm, its thread alive, not stopping"),
    _ready("/health", "The same as /readyz"),
    _ready("/ping", "The same as /readyz"),
    Operation(
        "GET",
        "/metrics",
        "Metrics for Prometheus",
        metrics,
        ERRORS,
        public=True,
        media_type=MEDIA_TYPE,
    ),
]
