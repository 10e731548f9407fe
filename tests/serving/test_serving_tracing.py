"""OpenTelemetry's middleware around the application: a span for a request, no text in it."""

from __future__ import annotations

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from poolwise.serving import app, serve_model


def test_a_request_is_a_span(tiny):
    application = app(serve_model(tiny("bert"), ["mean@-1"]))
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    application.add_middleware(OpenTelemetryMiddleware, tracer_provider=provider)
    with TestClient(application) as client:
        reply = client.post("/v1/embeddings", json={"input": "the cat sat"})
    assert reply.status_code == 200
    told = [span.to_json() for span in spans.get_finished_spans()]
    assert any("/v1/embeddings" in span and "200" in span for span in told)
    assert not any("the cat sat" in span for span in told)
