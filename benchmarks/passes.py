"""What more costs: readouts in one pass, a call, a long text, a busy neighbour, a cold start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contenders import CLASSES, engine_for, options_for
from rounds import interleaved, ratio, say, seconds
from workloads import joined, sixteen_tokens

import poolwise

ONE = "mean@-1"
FIRST_VECTOR = "import poolwise; poolwise.load('demo').embed('a b c', 'mean@-1')"


def readout_costs(folder: Path, texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Time over that of ``mean@-1`` in the same round, exact, by what is asked."""
    model = poolwise.load(folder)
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
    model = poolwise.load(folder)
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


def overhead(folder: Path, calls: int) -> dict[str, float]:
    """Milliseconds of ``embed`` of one sentence beyond those within the engine's core, by
    precision: the median over calls. Empty where the core runs none."""
    model, text = poolwise.load(folder), [sixteen_tokens()]
    found = {}
    for precision in CLASSES:
        engine = engine_for(model, precision)
        if not hasattr(engine, "_core") or engine.precision != precision:
            continue
        core = engine._core = _Timed(engine._core)

        def call(precision: str = precision, core: _Timed = core) -> float:
            took = seconds(lambda: model.embed(text, ONE, **options_for(model, precision)))
            return took - core.seconds

        for _ in range(5):
            call()
        found[precision] = 1e3 * statistics.median(call() for _ in range(calls))
    return found


class _Timed:
    """The engine's core, which notes how long its last run took."""

    def __init__(self, core: Any) -> None:
        self._core, self.seconds = core, 0.0

    def run(self, **arguments: Any) -> Any:
        began = time.perf_counter()
        outputs = self._core.run(**arguments)
        self.seconds = time.perf_counter() - began
        return outputs


LONG_TEXT = """
import sys, poolwise
def peak_kb():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
text = sys.stdin.read()
model = poolwise.load(sys.argv[1], max_length=int(sys.argv[2]))
model.embed(["a b c"], "mean@-1")
before = peak_kb()
model.embed([text], "mean@-1")
print(before, peak_kb() - before, model.engine.name)
"""
"""Linux's own count of the process: that of getrusage begins with the parent's."""


def memory(folder: Path, tokens: int) -> dict[str, Any]:
    """Peak MB of a process that has embedded three words, and what one text of so many tokens adds;
    exact."""
    say(f"memory of a text of {tokens} tokens")
    (text,) = joined(1, tokens - 100, tokens)
    done = subprocess.run(
        [sys.executable, "-c", LONG_TEXT, str(folder), str(tokens)],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    before, added, engine = done.stdout.split()
    megabytes = {"model_mb": int(before) / 1024, "added_mb": int(added) / 1024}
    return megabytes | {"tokens": tokens, "engine": engine}


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
