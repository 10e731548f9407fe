"""A source of vectors whose requests are timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.source import VectorSource


class TimedSource:
    """``source``, as a VectorSource; ``seconds`` has the time of each request of one text."""

    def __init__(self, source: VectorSource) -> None:
        self._source = source
        self.seconds: list[float] = []

    @property
    def description(self) -> str:
        return self._source.description

    @property
    def median_seconds(self) -> float | None:
        """Of a request of one text; None before the first."""
        return float(np.median(self.seconds)) if self.seconds else None

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """As of VectorSource."""
        began = time.perf_counter()
        vectors = self._source.embed(texts)
        if len(texts) == 1:
            self.seconds.append(time.perf_counter() - began)
        return vectors
