"""What bert-as-service's clients are told of the server: its flags, and what it was asked."""

from __future__ import annotations

import platform
import time
from collections import OrderedDict, deque
from collections.abc import Collection
from datetime import datetime
from typing import Any

from poolwise.serving.protocols.bert_encoding import BertEncoding
from poolwise.version import __version__

SERVER_VERSION = "1.10.0"
"""Of the protocol: the original's client refuses another."""

ACTIVE_S = 180.0
"""A client is active for so long after its last request."""

MAX_CLIENTS = 500
"""Clients that are counted one by one; those not heard of for longest count no more."""

INTERVALS = 200


class Statistics:
    """Counters of requests, named as the original's."""

    def __init__(self) -> None:
        self.data_requests = self.system_requests = self.texts = self.clients = 0
        self._by_client: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._sizes: OrderedDict[int, int] = OrderedDict()
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._last = time.monotonic()

    def requested(self, client: bytes, n_texts: int | None) -> None:
        """A request of so many texts, None where it asks about the server."""
        count, active = self._by_client.pop(client, (0, 0.0))
        self.clients += not count
        now = time.monotonic()
        self._by_client[client] = count + 1, active if n_texts is None else now
        if len(self._by_client) > MAX_CLIENTS:
            self._by_client.popitem(last=False)
        if n_texts is None:
            self.system_requests += 1
            return
        self.data_requests += 1
        self.texts += n_texts
        self._sizes[n_texts] = self._sizes.pop(n_texts, 0) + 1
        if len(self._sizes) > MAX_CLIENTS:
            self._sizes.popitem(last=False)
        self._intervals.append(max(now - self._last, 1e-9))
        self._last = now

    def as_dict(self) -> dict[str, Any]:
        """The original's ``statistic``."""
        now = time.monotonic()
        seen = sum(self._sizes.values())
        average = sum(k * n for k, n in self._sizes.items()) / seen if seen else None
        return {
            "num_data_request": self.data_requests,
            "num_total_seq": self.texts,
            "num_sys_request": self.system_requests,
            "num_total_request": self.data_requests + self.system_requests,
            "num_total_client": self.clients,
            "num_active_client": sum(
                bool(active) and now - active < ACTIVE_S for _, active in self._by_client.values()
            ),
            **_summary("request_per_client", [count for count, _ in self._by_client.values()]),
            **_summary("size_per_request", self._sizes.keys(), average),
            **_summary("last_two_interval", self._intervals),
            **_summary("request_per_second", [1 / seconds for seconds in self._intervals]),
        }


def _summary(name: str, values: Collection[float], average: float | None = None) -> dict[str, Any]:
    if not values:
        return {}
    low, high = min(values), max(values)
    return {
        f"avg_{name}": sum(values) / len(values) if average is None else average,
        f"min_{name}": low,
        f"max_{name}": high,
        f"num_min_{name}": sum(value == low for value in values),
        f"num_max_{name}": sum(value == high for value in values),
    }


def description(encoding: BertEncoding, client: bytes, **ports: int) -> dict[str, Any]:
    """The reply to SHOW_CONFIG; SHOW_STATUS adds the statistics."""
    started = datetime.fromtimestamp(encoding.service.started)  # noqa: DTZ006 - as the original
    settings = encoding.settings
    return {
        **settings.as_dict(),
        **ports,
        "client": client.decode("ascii", "backslashreplace"),
        "max_seq_len": None if settings.max_seq_len is None else encoding.max_length,
        "model": encoding.served.name,
        "readout": str(encoding.readout),
        "fingerprint": encoding.served.model.hash,
        "poolwise_version": __version__,
        "python_version": platform.python_version(),
        "server_version": SERVER_VERSION,
        "server_start_time": str(started),
        "server_current_time": str(datetime.now()),  # noqa: DTZ005
    }
