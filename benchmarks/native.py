"""The native engine beside sentence-transformers, onnxruntime and OpenVINO, in one run.

    python benchmarks/native.py [--rounds 3] [--models MiniLM-L6 ...] [--sts FILE] [--quick]

Every round runs each contender once, in turn; figures are medians of ratios within a round. Results
go to benchmarks/results/, or to ``--out``, after each model anew; a quick run is printed alone
unless ``--out`` is given. A part that fails is named on the page, and the others go on.

POOLWISE_NATIVE_LEVELS=avx2 has poolwise use AVX2 alone; its peers know nothing of it, so that only
ratios among poolwise's own rows mean something in such a run.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import transformers
from accuracy import accuracy, spearman
from ceiling import Peaks, best_level
from claims import claims
from contenders import native_level, poolwise_contenders, sentence_transformers
from machine import describe
from models import SUBJECTS, Subject, folder_of
from page import page
from passes import beside_a_busy_process, cold_start, memory, overhead, readout_costs
from peers import peers
from rounds import say
from speed import Limits, latency, throughput
from workloads import workload

import poolwise

HERE = Path(__file__).parent
QUICK = 0.05
CALLS = 20
"""Single sentences in a block; five blocks or more make the hundred that a p95 wants."""


class Run:
    """The results so far; ``part`` adds to them, or notes why it could not."""

    def __init__(self, arguments: argparse.Namespace, temporary: Path) -> None:
        self.arguments, self.temporary = arguments, temporary
        self.began = time.perf_counter()
        self.peaks = Peaks(temporary)
        level = native_level(Path(poolwise.load("demo").folder)) or "portable"
        self.results: dict[str, Any] = {
            "machine": describe(),
            "quick": arguments.quick,
            "rounds": arguments.rounds,
            "level": level,
            "best_level": best_level(),
            "restricted": os.environ.get("POOLWISE_NATIVE_LEVELS", ""),
            "peaks": self.peaks.absent or self.peaks.rates(),
            "real": [name for name in arguments.models if SUBJECTS[name].real],
            "throughput": [],
            "latency": [],
            "accuracy": {},
            "overhead": {},
            "memory": {},
            "sts": None,
            "readouts": None,
            "busy": None,
            "cold": None,
            "failed": [],
        }

    def part(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the run goes on, and its page says what is missing
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            say(f"{name} FAILED: {reason}")
            self.results["failed"].append({"part": name, "reason": reason})

    def write(self) -> str:
        """The page; also its files, where the run has a place for them."""
        arguments, results = self.arguments, self.results
        results["minutes"] = (time.perf_counter() - self.began) / 60
        judged = claims(results)
        results["claims"] = [asdict(claim) for claim in judged]
        markdown = page(results, judged)
        if out := arguments.out or (None if arguments.quick else HERE / "results"):
            out.mkdir(parents=True, exist_ok=True)
            name = f"native-{results['machine']['date']}"
            file = out / f"{name}{'-' * bool(results['restricted'])}{results['restricted']}.json"
            file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            file.with_suffix(".md").write_text(markdown, encoding="utf-8")
        return markdown


def measure(run: Run) -> None:
    scale = QUICK if run.arguments.quick else run.arguments.scale
    for name in run.arguments.models:
        subject = SUBJECTS[name]
        least = 32 if subject.classes == "Bert" else 8
        texts = {
            kind: max(round(count * scale), least if kind == "short" else 2)
            for kind, count in subject.texts.items()
        }
        sized = replace(subject, texts=texts)
        run.part(name, lambda subject=sized: _one_model(run, subject))
        run.write()
    run.part("cold start", lambda: _add_cold_start(run))


def _add_cold_start(run: Run) -> None:
    run.results["cold"] = cold_start(3 if run.arguments.quick else 7)


def _one_model(run: Run, subject: Subject) -> None:
    arguments, results, name = run.arguments, run.results, subject.name
    say(f"{subject}: getting every contender ready")
    folder = folder_of(subject, run.temporary)
    contenders = [
        sentence_transformers(subject, folder),
        *poolwise_contenders(subject, folder),
        *peers(subject, folder, run.temporary),
    ]
    limits = Limits(run.peaks, results["level"], results["best_level"])
    sample = workload("short", subject.texts["short"])

    def add_throughput(kind: str, count: int) -> None:
        table = throughput(
            subject,
            folder,
            kind,
            workload(kind, count),
            contenders,
            limits=limits,
            rounds=arguments.rounds,
        )
        results["throughput"].append(table)

    def add_latency() -> None:
        blocks = max(arguments.rounds, 1 if arguments.quick else 5)
        results["latency"].append(latency(subject, contenders, blocks, CALLS))
        results["overhead"][name] = overhead(folder, 50 if arguments.quick else 300)

    def add_accuracy() -> None:
        texts = 200 if subject.real and not arguments.quick else 50
        texts = texts if subject.classes == "Bert" else 25
        results["accuracy"][name] = accuracy(subject, folder, texts)

    def add_passes() -> None:
        results["readouts"] = readout_costs(folder, sample[:500], arguments.rounds)
        results["busy"] = beside_a_busy_process(folder, sample[:500], arguments.rounds)

    def add_spearman() -> None:
        results["sts"] = spearman(folder, arguments.sts)

    def add_memory() -> None:
        results["memory"][name] = memory(folder, subject.memory_tokens)

    for kind, count in subject.texts.items():
        run.part(f"{name}, {kind}", lambda kind=kind, count=count: add_throughput(kind, count))
    run.part(f"{name}, latency", add_latency)
    run.part(f"{name}, accuracy", add_accuracy)
    if subject.real:
        run.part("readouts and a busy process", add_passes)
    if subject.real and arguments.sts:
        run.part("STS", add_spearman)
    if subject.memory_tokens and not arguments.quick:
        run.part(f"{name}, memory", add_memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="default 3; 2 for a quick run")
    parser.add_argument("--models", nargs="+", choices=SUBJECTS, help="default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many texts")
    parser.add_argument("--quick", action="store_true", help="a minute, one model, few texts")
    parser.add_argument("--sts", type=Path, help="STS Benchmark's tab-separated sts-dev.csv")
    parser.add_argument("--out", type=Path, help="folder of the JSON and the Markdown")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.models = arguments.models or (["MiniLM-L6"] if arguments.quick else list(SUBJECTS))
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary:
        run = Run(arguments, Path(temporary))
        measure(run)
        print(run.write())


if __name__ == "__main__":
    main()
