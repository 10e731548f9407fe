"""What more costs: readouts in one pass, a busy neighbour, a cold start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contenders import engine_for, options_for
from models import MAX_LENGTH
from rounds import interleaved, ratio, say, seconds

import poolwise

ONE = "mean@-1"
FIRST_VECTOR = "import poolwise; poolwise.load('demo').embed('a b c', 'mean@-1')"


def readout_costs(folder: Path, texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Time over that of ``mean@-1`` in the same round, exact, by what is asked."""
    model = poolwise.load(folder, max_length=MAX_LENGTH)
    all_layers = [f"{pool}@{k}" for k in range(model.depth + 1) for pool in ("cls", "mean", "max")]
    readouts_by_name = {
        ONE: [ONE],
        f"all {len(all_layers)}: each layer x cls, mean, max": all_layers,
        "cls@-1": ["cls@-1"],
        f"mean@{model.depth // 2}": [f"mean@{model.depth // 2}"],
    }
    options = options_for(model, "exact")
    runs = {
        name: (lambda readouts=readouts: list(model.extract(texts, readouts, **options)))
        for name, readouts in readouts_by_name.items()
    }
    for run in runs.values():
        run()
    times = interleaved(runs, rounds, "readouts")
    return {
        "engine": engine_for(model, "exact").name,
        "texts": len(texts),
        "cost": {name: 1 / ratio(spent, times[ONE]) for name, spent in times.items()},
    }


def beside_a_busy_process(folder: Path, texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Throughput, exact, beside a process that spins, over that without it; in turn."""
    model = poolwise.load(folder, max_length=MAX_LENGTH)
    options = options_for(model, "exact")

    def run() -> object:
        return model.embed(list(texts), ONE, **options)

    run()
    quiet, beside = [], []
    for number in range(rounds):
        say(f"busy neighbour: round {number + 1} of {rounds}")
        quiet.append(seconds(run))
        with _spinning():
            beside.append(seconds(run))
    return {
        "engine": engine_for(model, "exact").name,
        "texts": len(texts),
        "throughput_kept": ratio(beside, quiet),
    }


@contextmanager
def _spinning() -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def cold_start(times: int) -> dict[str, Any]:
    """Seconds of a whole process, the interpreter's own start included; files are in memory."""
    programs = {
        "python, nothing imported": "pass",
        "import poolwise": "import poolwise",
        "first vector": FIRST_VECTOR,
    }
    for program in programs.values():
        _process(program)
    runs = {name: (lambda program=p: _process(program)) for name, p in programs.items()}
    times = interleaved(runs, times, "cold start")
    return {"times": times, "seconds": {n: statistics.median(s) for n, s in times.items()}}


def _process(program: str) -> None:
    # With compiled modules kept, as Python keeps them for its users.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as elsewhere:
        subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=elsewhere)
