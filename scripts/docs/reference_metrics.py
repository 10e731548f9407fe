"""docs/reference/metrics.md: what a server's /metrics holds, from the registry of a real one."""

from __future__ import annotations

from page_text import code, fence, page, plain, table
from prometheus_client.metrics_core import Metric
from reference_server import server
from starlette.testclient import TestClient

from poolwise.serving import app

LABELS = {
    "route": "the path of the operation",
    "code": "the status of the reply",
    "reason": "`overloaded` (refused at once), `deadline` (waited too long), `abandoned` (its "
    "client has left)",
    "le": "the upper bound of a histogram's bucket",
}


def write() -> str:
    """The page."""
    counted = server().state.service.metrics
    counted.answered("/v1/embeddings", 200, 0.01)  # labels are known once something is counted
    counted.rejected("overloaded")
    return page(
        "Server metrics",
        "`GET /metrics` answers in Prometheus' text format, without a key. No metric holds a text, "
        "nor a name that a request has chosen. Counts are since the server's start, durations in "
        "seconds.",
        table(["metric", "type", "labels", "counts"], map(_metric, counted.registry.collect())),
        "Prometheus reads a counter under its name with `_total`, a histogram as `_bucket`, `_sum` "
        "and `_count`.",
        table(["label", "is"], ([code(name), meaning] for name, meaning in LABELS.items())),
        "A server that has warmed up with one text and answered one request for two says, among "
        "others:",
        fence(_after_a_request(), "text"),
    )


def _metric(metric: Metric) -> list[str]:
    names = {name for sample in metric.samples for name in sample.labels}
    shown = ", ".join(code(name) for name in sorted(names))
    return [code(metric.name), metric.type, shown, plain(metric.documentation)]


def _after_a_request() -> str:
    """Samples without timing: they are the same whenever the page is made."""
    with TestClient(app("demo")) as client:
        body = {"input": ["a cat sat", "a dog ran"]}
        assert client.post("/v1/embeddings", json=body).status_code == 200
        lines = client.get("/metrics").text.splitlines()
    wanted = ("poolwise_requests_total", "poolwise_input_tokens_total", "poolwise_batch_")
    return "\n".join(
        line
        for line in lines
        if line.startswith(wanted) and "_created" not in line and "_bucket" not in line
    )
