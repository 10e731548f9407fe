"""What a whole diagnosis of the demo model costs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from doctor_models import Models
from numpy.typing import NDArray
from page import markdown_table
from rounds import say

import poolwise
from poolwise.doctor.diagnose import diagnose_source

Row = dict[str, Any]
ROUNDS = 2


class Counting:
    """The demo model in this process, as a source; counts requests and texts."""

    description = "the demo model in this process"

    def __init__(self, model: poolwise.Model, readout: str, prompt: str) -> None:
        self.model, self.readout, self.prompt = model, readout, prompt
        self.requests = self.texts = 0
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        began = time.perf_counter()
        self.requests += 1
        self.texts += len(texts)
        made = self.model.embed(list(texts), self.readout, prompt=self.prompt)
        self.seconds += time.perf_counter() - began
        return np.asarray(made)


def measure(models: Models) -> list[Row]:
    """A row for each kind of source, its seconds the least of ROUNDS."""
    rows = []
    for readout, prompt in (("mean@-1|l2", ""), ("cls@4", ""), ("mean@-1|l2", "query: ")):
        best: Row = {}
        for _ in range(ROUNDS):
            model = poolwise.load(models.demo())
            source = Counting(model, readout, prompt)
            began, spent = time.perf_counter(), time.process_time()
            load = os.getloadavg()[0]
            said = diagnose_source(model, source)
            row = {"seconds": time.perf_counter() - began, "of the source": source.seconds}
            row |= {"processor": time.process_time() - spent}
            row |= {"requests": source.requests, "texts": source.texts, "load": load}
            row |= {"source": f"{readout} after {prompt!r}", "readout": said.readout}
            best = min((best or row), row, key=lambda r: r["seconds"])
        say(f"time: {best['source']}, {best['seconds']:.1f} s")
        rows.append(best)
    return rows


def table(rows: list[Row]) -> str:
    header = (
        f"## Time\n\nOf `diagnose` with the demo model, whose vectors are made in this process: "
        f"the fastest of {ROUNDS}. On a busy "
        "machine the processor's seconds say more than the clock's; load is the number of busy or "
        "waiting processes.\n"
    )
    shown = [
        (
            r["source"].replace("|", "\\|"),
            str(r["readout"]).replace("|", "\\|"),
            f"{r['seconds']:.1f}",
            f"{r['processor']:.1f}",
            f"{r['of the source']:.1f}",
            str(r["requests"]),
            str(r["texts"]),
            f"{r['load']:.1f}",
        )
        for r in rows
    ]
    columns = (
        "vectors",
        "found",
        "seconds",
        "of the processor",
        "of the source",
        "requests",
        "texts",
        "load",
    )
    return markdown_table(header, columns, shown)
