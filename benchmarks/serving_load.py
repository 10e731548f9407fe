"""The loads that a server is measured with; each gives figures for the results."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from in_process import readout_of
from load import Load, message, offering, percentiles, saturating
from servers import EMBEDDINGS, Server, watched

import poolwise

TIMES, LIGHT = 4, 0.2
"""Overload and the light load around it, as shares of capacity."""

LIGHT_SECONDS, AFTER_SECONDS = 5.0, 12.0
RAMP = 1.0
"""Seconds of saturation that are not counted."""

TICK = 0.001
"""Of the generator in overload: looking more often would cost it a third of a core."""

WINDOW = 0.25
"""Seconds of one median of latencies after overload."""


def requests_of(texts: Sequence[str], model: str) -> list[str]:
    """One text a request, its vector in base64, as OpenAI's own client asks for it."""
    bodies = ({"input": t, "model": model, "encoding_format": "base64"} for t in texts)
    return [message(EMBEDDINGS, json.dumps(body)) for body in bodies]


def agrees(server: Server, folder: Path, texts: Sequence[str]) -> float:
    """The smallest cosine of a served vector to that of ``embed``, exact.

    Raises ValueError below 0.98: what is fast but wrong is not measured.
    """
    model, name = poolwise.load(folder), server.model_name()
    cosines = []
    for text, vector in zip(texts, model.embed(list(texts), readout_of(model)), strict=True):
        body = {"input": text, "model": name, "encoding_format": "base64"}
        status, answer = server.post(EMBEDDINGS, body)
        if status != 200:
            raise ValueError(f"a request was answered by {status}: {answer[:200]!r}")
        encoded = json.loads(answer)["data"][0]["embedding"]
        served = np.frombuffer(base64.b64decode(encoded), "<f4")
        norms = np.linalg.norm(served) * np.linalg.norm(vector)
        cosines.append(float(served @ vector / norms))
    if min(cosines) < 0.98:
        raise ValueError(f"a served vector's cosine to poolwise's own is {min(cosines):.4f}")
    return min(cosines)


def saturated(
    server: Server, requests: Sequence[str], connections: int, seconds: float
) -> dict[str, Any]:
    """So many connections, each with a request under way all the time; after a second of it.

    Raises ValueError where that is too short for a single reply.
    """
    end = RAMP + seconds
    with watched(server) as cpu:
        load = saturating(server.port, requests, connections=connections, seconds=end).finish()
    cores = {"cores": cpu.cores(load, RAMP, end), "generator_cores": load.cpu_seconds / end}
    speed = load.answered_per_s(RAMP, end)
    if not speed:
        raise ValueError(f"no reply within {seconds:g} s at saturation: give --seconds more")
    return load.summary() | cores | {"answered_per_s": speed}


def alone(server: Server, requests: Sequence[str], calls: int) -> dict[str, Any]:
    """One request at a time on one connection, for as long as ``calls`` take; the first are left
    out."""
    seconds, latencies = 1.0, np.zeros(0)
    while len(latencies) < calls and seconds < 60:
        load = saturating(server.port, requests, connections=1, seconds=seconds).finish()
        latencies, seconds = load.milliseconds()[20:], 2 * seconds
    return percentiles(latencies) | {"calls": len(latencies)}


def rated(server: Server, requests: Sequence[str], rate: float, seconds: float) -> dict[str, Any]:
    """This rate, Poisson arrivals, whether or not it is answered."""
    with watched(server) as cpu:
        load = offering(server.port, requests, [(rate, seconds)]).finish()
    cores = {"cores": cpu.cores(load, 0, seconds), "generator_cores": load.cpu_seconds / seconds}
    offered = {"rate": rate, "answered_per_s": load.answered_per_s(0, seconds)}
    return offered | load.summary() | cores


def overload(
    server: Server, requests: Sequence[str], capacity: float, seconds: float
) -> dict[str, Any]:
    """A light load, then ``TIMES`` the capacity, then the light one again: what is answered
    meanwhile, and how long it takes until latency is what it was."""
    light = max(LIGHT * capacity, 20)
    phases = [(light, LIGHT_SECONDS), (TIMES * capacity, seconds), (light, AFTER_SECONDS)]
    with watched(server) as cpu:
        load = offering(
            server.port, requests, phases, tick=TICK, connections=512, drain=30
        ).finish()
    begins, ends = LIGHT_SECONDS, LIGHT_SECONDS + seconds
    before, during = load.during(0, begins), load.during(begins, ends)
    after = load.during(ends, ends + AFTER_SECONDS)
    normal = float(np.median(before.milliseconds()))
    return {
        "capacity_per_s": capacity,
        "answered_per_s": load.answered_per_s(begins, ends),
        "before": before.summary(),
        "during": during.summary(),
        "after": after.summary(),
        "normal_ms": normal,
        "recovery_s": recovery(after, ends, normal),
        "cores": cpu.cores(load, begins, ends),
        "generator_cores": during.cpu_seconds / seconds,
    }


def recovery(after: Load, start: float, normal: float) -> float:
    """Seconds from ``start`` to the end of the last window that is not yet as before: a median
    latency above twice the normal one, or a request that was not answered by 200."""
    late = 0.0
    for number in range(round(AFTER_SECONDS / WINDOW)):
        begin = start + number * WINDOW
        window = after.during(begin, begin + WINDOW)
        answered = window.milliseconds()
        if not len(window.status):
            continue
        if len(answered) < len(window.status) or np.median(answered) > 2 * normal:
            late = begin + WINDOW - start
    return late
