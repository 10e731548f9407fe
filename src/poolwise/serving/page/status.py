"""What is served and how the server is doing, for the page to ask again and again."""

from __future__ import annotations

import time

import msgspec

from poolwise.serving.catalogue import ServedModel
from poolwise.serving.operations import Reply, Request
from poolwise.serving.page.limits import MAX_INSIDE_TEXTS, MAX_READOUTS, MAX_TEXTS
from poolwise.serving.service import Service
from poolwise.version import __version__


class StatusReadout(msgspec.Struct):
    name: str
    readout: str
    width: int


class StatusModel(msgspec.Struct):
    name: str
    family: str
    depth: int
    width: int
    max_length: int
    has_pooler: bool
    engine: str
    precision: str
    fingerprint: str
    readouts: list[StatusReadout]


class Limits(msgspec.Struct):
    texts: int = MAX_TEXTS
    readouts: int = MAX_READOUTS
    inside_texts: int = MAX_INSIDE_TEXTS


class Status(msgspec.Struct):
    """``unready`` says why no request is welcome, empty when ready. Waiting are requests and tokens
    that wait or are being computed. The rest counts since the start, embedding requests only;
    ``seconds`` are those from their arrival in the queue to their vectors."""

    version: str
    unready: str
    needs_key: bool
    uptime: float
    waiting_requests: int
    waiting_tokens: int
    queue_tokens: int
    requests: int
    seconds: float
    tokens: int
    truncated: int
    rejected: int
    failed_passes: int
    models: list[StatusModel]
    limits: Limits


async def status(service: Service, request: Request) -> Reply:
    totals, batcher = service.metrics.totals(), service.batcher
    reply = Status(
        version=__version__,
        unready=service.unready,
        needs_key=bool(service.settings.api_keys),
        uptime=round(time.time() - service.started, 1),
        waiting_requests=batcher.n_waiting,
        waiting_tokens=batcher.waiting_tokens,
        queue_tokens=service.settings.queue_tokens,
        requests=int(totals["queue_duration_seconds_count"]),
        seconds=totals["queue_duration_seconds_sum"] + totals["inference_duration_seconds_sum"],
        tokens=int(totals["input_tokens_total"]),
        truncated=int(totals["truncated_total"]),
        rejected=int(totals["rejected_total"]),
        failed_passes=int(totals["failed_passes_total"]),
        models=[_model(served) for served in service.catalogue.models],
        limits=Limits(),
    )
    return Reply.json(msgspec.to_builtins(reply), headers={"cache-control": "no-store"})


def _model(served: ServedModel) -> StatusModel:
    model, engine = served.model, served.model.engine_for(served.precision)
    return StatusModel(
        served.name,
        model.family.name,
        model.depth,
        model.width,
        served.max_length,
        model.has_pooler,
        engine.name,
        engine.precision,
        model.hash,
        [StatusReadout(name, str(r), r.width) for name, r in served.readouts.items()],
    )
