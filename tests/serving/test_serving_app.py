"""The application in other people's applications, and under their middleware."""

from __future__ import annotations

from contextlib import asynccontextmanager

import numpy as np
import pytest
from starlette.testclient import TestClient

import poolwise
from poolwise.serving import app, serve_model

TEXTS = ["the cat sat", "a big red house by the sea"]


@pytest.fixture
def application(tiny):
    return app(serve_model(tiny("bert"), ["mean@-1"], name="tiny"))


def vectors(reply):
    assert reply.status_code == 200, reply.text
    return np.array([item["embedding"] for item in reply.json()["data"]], np.float32)


def test_it_runs_as_it_is(application, tiny):
    with TestClient(application) as client:
        reply = client.post("/v1/embeddings", json={"input": TEXTS})
    expected = poolwise.load(tiny("bert")).embed(TEXTS, "mean@-1")
    assert np.array_equal(vectors(reply), expected)
    assert reply.headers["x-poolwise-readout"] == reply.json()["readout"] == "mean@-1"


def test_fastapi_mounts_it(application, tiny):
    fastapi = pytest.importorskip("fastapi")

    @asynccontextmanager
    async def lifespan(_):
        async with application.router.lifespan_context(application):
            yield

    outer = fastapi.FastAPI(lifespan=lifespan)

    @outer.get("/mine")
    def mine():
        return {"mine": True}

    outer.mount("/vectors", application)
    with TestClient(outer) as client:
        assert client.get("/mine").json() == {"mine": True}
        reply = client.post("/vectors/v1/embeddings", json={"input": TEXTS})
        assert client.get("/vectors/readyz").status_code == 200
        assert client.get("/vectors/nothing").json()["error"]["code"] == "not_found"
        assert client.put("/vectors/v1/embeddings").headers["allow"] == "POST"
    assert np.array_equal(vectors(reply), poolwise.load(tiny("bert")).embed(TEXTS, "mean@-1"))


def test_others_middleware_sees_every_request(application):
    seen = []

    class Middleware:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])
            await self.app(scope, receive, send)

    application.add_middleware(Middleware)
    with TestClient(application) as client:
        assert client.post("/v1/embeddings", json={"input": TEXTS}).status_code == 200
    assert seen.count("http") == 1


def test_before_it_is_warm_and_after_it_stops_it_is_not_ready(application):
    service = application.state.service
    with TestClient(application) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        service.draining = True
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
        assert client.get("/livez").status_code == 200
        refused = client.post("/v1/embeddings", json={"input": TEXTS})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert service.unready == "the server stops"


def test_metrics_count_what_happened(application):
    with TestClient(application) as client:
        client.post("/v1/embeddings", json={"input": TEXTS})
        client.post("/v1/embeddings", json={"input": []})
        told = client.get("/metrics").text
    assert 'poolwise_requests_total{code="200",route="/v1/embeddings"} 1.0' in told
    assert 'poolwise_requests_total{code="400",route="/v1/embeddings"} 1.0' in told
    assert "poolwise_request_duration_seconds_count 2.0" in told
    assert "poolwise_model_ready 1.0" in told
    assert "poolwise_queue_tokens 0.0" in told
    assert TEXTS[0] not in told
