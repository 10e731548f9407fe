"""What a watch tells Prometheus, as a file for node_exporter's textfile collector.

https://github.com/prometheus/node_exporter#textfile-collector
"""

from __future__ import annotations

import time
from pathlib import Path

from poolwise.doctor.watch_result import WatchResult
from poolwise.errors import OptionError, needs
from poolwise.files.atomic import atomic_write

SUFFIX = ".prom"

_MEANINGS = {
    "up": "Whether the server answered.",
    "last_run_timestamp_seconds": "When the server was asked.",
    "unchanged": "Whether the vectors are those of the state, or the first.",
    "distance_max": "The largest distance of a probe text's vector from that in the state.",
    "identified": "Whether a readout of the model makes the vectors.",
    "agrees": "Whether that is the readout that the model's folder declares.",
    "request_seconds": "The median time of a request of one text.",
}


def check_metrics(path: Path) -> None:
    """Raise OptionError for a name that node_exporter does not read; MissingExtraError."""
    with needs("serve", "a file of metrics"):
        import prometheus_client  # noqa: F401, PLC0415 - optional
    if path.suffix != SUFFIX:
        raise OptionError(
            f"the metrics go to {path}, expected a name that ends in {SUFFIX}: node_exporter reads "
            "no other"
        )


def write_metrics(path: Path, model: str, endpoint: str, result: WatchResult | None) -> None:
    """Replace the file; ``result`` None: the server did not answer. Raises StoreError.

    What is not known has no metric: a distance at the first run, or whether a readout agrees with
    a folder that declares none.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415

    registry = CollectorRegistry()
    for name, value in _values(result).items():
        if value is not None:
            gauge = Gauge(
                f"poolwise_doctor_{name}", _MEANINGS[name], ["model", "endpoint"], registry=registry
            )
            gauge.labels(model, endpoint).set(float(value))
    with atomic_write(path) as file:
        file.write(generate_latest(registry))


def _values(result: WatchResult | None) -> dict[str, float | None]:
    values: dict[str, float | None] = {
        "up": result is not None,
        "last_run_timestamp_seconds": time.time(),
    }
    if result is not None:
        values |= {
            "unchanged": not result.changed,
            "distance_max": result.distance_max,
            "identified": result.identified,
            "agrees": result.agrees,
            "request_seconds": result.request_seconds,
        }
    return values
