"""A sweep beside the same grid by sentence-transformers, one run a layer and pool.

    python benchmarks/sweep.py [--texts 1000] [--rounds 3] [--whole]

Every round makes the vectors of every layer and pool twice, in turn: by one pass of poolwise, and
by one ``encode`` of sentence-transformers for each layer (the encoder cut there) and pool.
``--whole`` also times ``poolwise sweep`` on all of Banking77, in its own process, with its peak
memory.
Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import transformers
from machine import describe
from rounds import interleaved, ratio
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer

import poolwise
from poolwise.readouts import parse
from poolwise.selection.vector_cache import cache_vectors

HERE = Path(__file__).parent
DATA = HERE.parent / "examples" / "banking77.csv"

POOLS = {
    "cls": "cls",
    "sep": "lasttoken",
    "mean": "mean",
    "mean[words]": "mean",
    "max": "max",
    "wmean": "weightedmean",
}
"""Ours, and sentence-transformers' mode; it has none for the mean without special tokens, whose
time is taken to be the mean's."""


def texts(count: int) -> list[str]:
    with DATA.open(encoding="utf-8", newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    return rows[:: max(len(rows) // count, 1)][:count]


def truncated_encoder(folder: str, layer: int, mode: str) -> SentenceTransformer:
    """The encoder up to ``layer``, pooled so."""
    words = Transformer(folder)
    blocks = words.auto_model.encoder
    blocks.layer = blocks.layer[:layer]
    pooling = Pooling(words.get_word_embedding_dimension(), pooling_mode=mode)
    return SentenceTransformer(modules=[words, pooling], device="cpu")


def one_by_one(models: Sequence[SentenceTransformer], sample: list[str]) -> None:
    for model in models:
        model.encode(sample, show_progress_bar=False)


def whole_sweep() -> dict[str, float]:
    """``poolwise sweep`` on all 10,003 texts: seconds, and peak memory in MB."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "poolwise", "sweep", "demo"]
        command += ["--labels", str(DATA), "-o", out]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": times, "peak_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole", action="store_true")
    arguments = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    # First: a child counts the memory of the process that it was forked from as its own.
    swept = whole_sweep() if arguments.whole else None
    model = poolwise.load("demo")
    sample = texts(arguments.texts)
    layers = range(model.depth + 1)
    grid = [parse(f"{pool}@{layer}") for layer in layers for pool in POOLS]
    models = [
        truncated_encoder(str(model.folder), layer, mode)
        for layer in layers
        for mode in POOLS.values()
    ]
    runs = {
        "poolwise": lambda: cache_vectors(model, sample, grid),
        "sentence-transformers": lambda: one_by_one(models, sample),
    }
    times = interleaved(runs, arguments.rounds, f"{len(grid)} readouts of {len(sample)} texts")
    results = {
        "machine": describe(),
        "texts": len(sample),
        "readouts": len(grid),
        "rounds": arguments.rounds,
        "seconds": {name: statistics.median(spent) for name, spent in times.items()},
        "times as fast": ratio(times["poolwise"], times["sentence-transformers"]),
        "whole sweep": swept,
    }
    out = HERE / "results" / f"sweep-{results['machine']['date']}.json"
    out.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
