"""What ``/metrics`` tells Prometheus. No text of a request, and no name that one has chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from poolwise.serving.histograms import Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKENS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536, 300_000)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "poolwise_requests", "Requests answered.", ["route", "code"], registry=registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}
        phases = {
            "request": "From the request's first byte to its reply.",
            "queue": "From admission to the first pass.",
            "tokenize": "Tokenization of a request.",
            "inference": "From the first pass to the end of the last.",
        }
        self._seconds = {
            name: self._histogram(f"{name}_duration_seconds", text, _SECONDS)
            for name, text in phases.items()
        }
        self._batch_tokens = self._histogram("batch_tokens", "Tokens of a pass.", _TOKENS)
        self._batch_texts = self._histogram("batch_texts", "Texts of a pass.", _TOKENS)
        self._pass_seconds = self._histogram("pass_duration_seconds", "One pass.", _SECONDS)
        self._input_tokens = Counter(
            "poolwise_input_tokens", "Tokens read of requests.", registry=registry
        )
        self._truncated = Counter("poolwise_truncated", "Texts that were cut.", registry=registry)
        self._nonfinite = Counter(
            "poolwise_nonfinite", "Vectors with NaN or infinity.", registry=registry
        )
        self._rejected = Counter(
            "poolwise_rejected", "Requests given up.", ["reason"], registry=registry
        )
        self._failed = Counter("poolwise_failed_passes", "Passes that failed.", registry=registry)
        self.inflight = Gauge(
            "poolwise_inflight_requests", "Requests being answered.", registry=registry
        )

    def _histogram(self, name: str, meaning: str, bounds: Sequence[float]) -> Histogram:
        histogram = Histogram(f"poolwise_{name}", meaning, bounds)
        self.registry.register(histogram)
        return histogram

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A gauge whose value is read when it is asked for."""
        Gauge(f"poolwise_{name}", meaning, registry=self.registry).set_function(value)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered after ``seconds``."""
        counter = self._answered.get((route, status))
        if counter is None:  # prometheus_client's own table is slower than all else of a refusal
            counter = self._answered[route, status] = self._requests.labels(route, str(status))
        counter.inc()
        self._seconds["request"].observe(seconds)

    def took(self, phase: str, seconds: float) -> None:
        """``phase`` is ``queue``, ``tokenize`` or ``inference``."""
        self._seconds[phase].observe(seconds)

    def read(self, tokens: int, truncated: int) -> None:
        """A request's tokens, and how many of its texts were cut."""
        self._input_tokens.inc(tokens)
        if truncated:
            self._truncated.inc(truncated)

    def passed(self, tokens: int, texts: int, seconds: float) -> None:
        """A pass is over."""
        self._batch_tokens.observe(tokens)
        self._batch_texts.observe(texts)
        self._pass_seconds.observe(seconds)

    def failed(self) -> None:
        """A pass of one request failed."""
        self._failed.inc()

    def nonfinite(self, count: int) -> None:
        """Vectors that hold NaN or infinity."""
        self._nonfinite.inc(count)

    def rejected(self, reason: str) -> None:
        """A request was given up: ``overloaded``, ``deadline``, ``abandoned``."""
        self._rejected.labels(reason).inc()

    def totals(self) -> dict[str, float]:
        """Every counter, sum and count since the start, over all labels, by its name without
        ``poolwise_``; 0 where nothing has been counted."""
        found: dict[str, float] = defaultdict(float)
        for metric in self.registry.collect():
            for sample in metric.samples:
                if sample.name.endswith(("_total", "_sum", "_count")):
                    found[sample.name.removeprefix("poolwise_")] += sample.value
        return found

    def text(self) -> bytes:
        """All metrics as Prometheus reads them."""
        return generate_latest(self.registry)
