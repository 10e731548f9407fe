# --8<-- [start:app]
from poolwise.serving import app, serve_model

vectors = app(serve_model("demo", ["mean@-1|l2", "cls@4"]), queue_tokens=65536)
# --8<-- [end:app]

# --8<-- [start:mount]
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount


@asynccontextmanager
async def lifespan(application):
    async with vectors.router.lifespan_context(vectors):
        yield


application = Starlette(routes=[Mount("/vectors", vectors)], lifespan=lifespan)
# --8<-- [end:mount]

# --8<-- [start:tracing]
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

application.add_middleware(OpenTelemetryMiddleware)
# --8<-- [end:tracing]

# --8<-- [start:try]
from starlette.testclient import TestClient

with TestClient(application) as client:
    reply = client.post("/vectors/v1/embeddings", json={"input": "a cat sat", "model": "cls@4"})
assert reply.headers["x-poolwise-readout"] == "cls@4"
# --8<-- [end:try]
