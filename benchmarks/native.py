"""The native engine beside sentence-transformers, onnxruntime and OpenVINO, in one run.

    python benchmarks/native.py [--rounds 5] [--models MiniLM-L6 ...] [--sts FILE] [--quick]

Every round runs each contender once, in turn; figures are medians of ratios within a round. Results
go to benchmarks/results/, or to ``--out``; a quick run is printed alone unless ``--out`` is given.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import transformers
from accuracy import accuracy, spearman
from ceiling import Gemm, fastest
from claims import claims
from contenders import poolwise_contenders, sentence_transformers
from machine import describe
from models import SUBJECTS, Subject, folder_of
from page import page
from passes import beside_a_busy_process, cold_start, readout_costs
from peers import peers
from rounds import say
from speed import latency, throughput
from workloads import distinct, long_texts

HERE = Path(__file__).parent
QUICK = 0.05
CALLS = 20
"""Single sentences in a block; five blocks or more make the hundred that a p95 wants."""


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    began, scale = time.perf_counter(), QUICK if arguments.quick else arguments.scale
    subjects = [SUBJECTS[name] for name in arguments.models]
    say("the fastest matrix product")
    gemm = fastest()
    results: dict[str, Any] = {
        "machine": describe(),
        "quick": arguments.quick,
        "rounds": arguments.rounds,
        "ceiling": {"name": gemm.name, "gflop_per_s": gemm.rate()},
        "real": [subject.name for subject in subjects if subject.real],
        "throughput": [],
        "latency": [],
        "accuracy": {},
        "sts": None,
        "readouts": None,
        "busy": None,
        "cold": None,
    }
    with tempfile.TemporaryDirectory() as temporary:
        for subject in subjects:
            sized = replace(
                subject,
                short=max(round(subject.short * scale), 32),
                long=max(round(subject.long * scale), 2),
            )
            _one_model(sized, Path(temporary), gemm, arguments, results)
    results["cold"] = cold_start(3 if arguments.quick else 7)
    results["minutes"] = (time.perf_counter() - began) / 60
    return results


def _one_model(
    subject: Subject,
    temporary: Path,
    gemm: Gemm,
    arguments: argparse.Namespace,
    results: dict[str, Any],
) -> None:
    say(f"{subject}: getting every contender ready")
    folder = folder_of(subject, temporary)
    contenders = [
        sentence_transformers(folder),
        *poolwise_contenders(folder),
        *peers(subject, folder, temporary),
    ]
    texts = {"short": distinct(subject.short), "long": long_texts(subject.long)}
    for name, sample in texts.items():
        table = throughput(
            subject, folder, name, sample, contenders, gemm=gemm, rounds=arguments.rounds
        )
        results["throughput"].append(table)
    blocks = max(arguments.rounds, 1 if arguments.quick else 5)
    results["latency"].append(latency(subject, contenders, blocks, CALLS))
    results["accuracy"][subject.name] = accuracy(
        subject, folder, texts=200 if subject.real and not arguments.quick else 50
    )
    if subject.real:
        sample = texts["short"][:500]
        results["readouts"] = readout_costs(folder, sample, arguments.rounds)
        results["busy"] = beside_a_busy_process(folder, sample, arguments.rounds)
        results["sts"] = spearman(folder, arguments.sts) if arguments.sts else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="default 5; 2 for a quick run")
    parser.add_argument("--models", nargs="+", choices=SUBJECTS, help="default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many texts")
    parser.add_argument("--quick", action="store_true", help="a minute, one model, few texts")
    parser.add_argument("--sts", type=Path, help="STS Benchmark's tab-separated sts-dev.csv")
    parser.add_argument("--out", type=Path, help="folder of the JSON and the Markdown")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.models = arguments.models or (["MiniLM-L6"] if arguments.quick else list(SUBJECTS))
    transformers.utils.logging.disable_progress_bar()
    results = measure(arguments)
    judged = claims(results)
    results["claims"] = [asdict(claim) for claim in judged]
    markdown = page(results, judged)
    out = arguments.out or (None if arguments.quick else HERE / "results")
    if out:
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"native-{results['machine']['date']}.json"
        file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        file.with_suffix(".md").write_text(markdown, encoding="utf-8")
    print(markdown)


if __name__ == "__main__":
    main()
