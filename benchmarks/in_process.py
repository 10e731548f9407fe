"""poolwise without a server, in a process of its own: what a served text is compared with.

Reads a job as JSON, prints texts a second of ``extract`` and the milliseconds of ``embed`` of one.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import poolwise

PASS = 2_000
"""Texts of one call of ``extract``."""


def in_process(
    folder: Path, precision: str, texts: Sequence[str], seconds: float, calls: int
) -> dict[str, Any]:
    """The figures, from a new process; ``calls`` of one text each."""
    job = {"folder": str(folder), "precision": precision, "texts": list(texts)}
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(job | {"seconds": seconds, "calls": calls}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"extraction in a process failed: {done.stderr.strip()[-300:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def readout_of(model: poolwise.Model) -> str:
    """What the model's folder declares, or else the mean."""
    return str(model.declared or "mean@-1|l2")


def main() -> None:
    job = json.load(sys.stdin)
    model, texts, precision = poolwise.load(job["folder"]), job["texts"], job["precision"]
    readout = readout_of(model)
    list(model.extract(texts[:200], readout, precision=precision))
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    while (spent := time.perf_counter() - began) < job["seconds"]:
        some = [texts[i % len(texts)] for i in range(count, count + PASS)]
        count += sum(len(b) for b in model.extract(some, readout, precision=precision))
    cpu = time.process_time() - cpu
    print(
        json.dumps(
            {
                "engine": model.engine_for(precision).name,
                "ran_as": model.engine_for(precision).precision,
                "texts_per_s": count / spent,
                "cores": cpu / spent,
                "single_ms": _single(model, readout, precision, texts, job["calls"]),
            }
        )
    )


def _single(model: Any, readout: str, precision: str, texts: Sequence[str], calls: int) -> float:
    times = []
    for number in range(calls + 20):
        text = texts[number % len(texts)]
        began = time.perf_counter()
        model.embed([text], readout, precision=precision)
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times[20:])


if __name__ == "__main__":
    main()
