"""Speed and memory of one pass, beside others, in one interleaved run.

    python benchmarks/bench.py [--rounds 5] [--sentences 500]

Every round runs each contender once, in turn, on the same sentences; a figure is the median over
rounds of the ratio to ``mean@-1`` in the same round, so that a drifting machine cancels out.
Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from machine import describe
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer
from workloads import distinct, novel_sentences

import poolwise

HERE = Path(__file__).parent

Contender = Callable[[Sequence[str]], object]


def sentences(count: int) -> list[str]:
    return random.Random(0).sample(novel_sentences(), count)


def contenders() -> dict[str, Contender]:
    encoder = poolwise.load("demo")
    layers = range(encoder.depth + 1)
    everything = [f"{pool}@{k}" for pool in ("cls", "mean", "max") for k in layers]
    return {
        "poolwise mean@-1": lambda texts: list(encoder.extract(texts, ["mean@-1"])),
        f"poolwise all {len(everything)}: every layer x cls, mean, max": lambda texts: list(
            encoder.extract(texts, everything)
        ),
        "poolwise mean@3": lambda texts: list(encoder.extract(texts, ["mean@3"])),
        "sentence-transformers encode": sentence_transformers(str(encoder.folder)),
        "transformers, pad all to the longest, slices of 8": naive(str(encoder.folder)),
    }


def sentence_transformers(folder: str) -> Contender:
    model = SentenceTransformer(folder, device="cpu")
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


def naive(folder: str) -> Contender:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    def run(texts: Sequence[str]) -> object:
        inputs = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        means = []
        with torch.no_grad():
            for start in range(0, len(texts), 8):
                part = {name: t[start : start + 8] for name, t in inputs.items()}
                hidden = model(**part).last_hidden_state
                mask = part["attention_mask"][..., None]
                means.append((hidden * mask).sum(1) / mask.sum(1))
        return torch.cat(means)

    return run


def interleaved(rounds: int, texts: Sequence[str]) -> dict[str, dict[str, float]]:
    running = contenders()
    for run in running.values():
        run(texts[:64])
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for number in range(rounds):
        for name, run in running.items():
            began = time.perf_counter()
            run(texts)
            seconds[name].append(time.perf_counter() - began)
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    base = seconds["poolwise mean@-1"]
    return {
        name: {
            "median_s": statistics.median(spent),
            "sentences_per_s": len(texts) / statistics.median(spent),
            "cost_ratio": statistics.median(t / b for t, b in zip(spent, base, strict=True)),
        }
        for name, spent in seconds.items()
    }


PEAK = """
import sys
from pathlib import Path
from poolwise.cli import main
sys.argv = ["poolwise", "embed", "demo", sys.argv[1], "-o", sys.argv[2], "-r", "mean@2", "--json"]
try:
    main()
finally:
    # Not getrusage: its maximum is handed down from the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print("PEAK", status["VmHWM"].split()[0], file=sys.stderr)
"""


def peak_memory(counts: Sequence[int]) -> dict[str, float]:
    """Peak resident memory, MB, of ``poolwise embed`` on so many different sentences."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            source = Path(folder) / f"{count}.txt"
            source.write_text("\n".join(distinct(count)) + "\n", encoding="utf-8")
            process = subprocess.run(
                [sys.executable, "-c", PEAK, source, source.with_suffix(".parquet")],
                capture_output=True,
                text=True,
                check=True,
            )
            peaks[str(count)] = int(process.stderr.rsplit("PEAK", 1)[1]) / 1024
            print(f"{count} sentences: {peaks[str(count)]:.0f} MB", file=sys.stderr, flush=True)
    return peaks


def as_markdown(results: dict[str, object]) -> str:
    lines = ["# One pass: speed and memory", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        "",
        f"{results['sentences']} sentences, mean {results['mean_tokens']:.1f} tokens, demo model "
        f"(MiniLM-L6, 6 x 384), {results['rounds']} interleaved rounds, medians. The cost is the "
        "time over that of `mean@-1` in the same round.",
        "",
        "| contender | sentences/s | cost |",
        "|---|---|---|",
    ]
    for name, row in results["speed"].items():
        lines.append(f"| {name} | {row['sentences_per_s']:,.0f} | {row['cost_ratio']:.2f} |")
    if results["peak_mb"]:
        small, large = results["peak_mb"].items()
        lines += [
            "",
            "Peak memory of `poolwise embed -r mean@2`: "
            f"{small[1]:,.0f} MB for {int(small[0]):,} sentences, "
            f"{large[1]:,.0f} MB for {int(large[0]):,} ({large[1] / small[1] - 1:+.1%}).",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory runs")
    arguments = parser.parse_args()
    texts = sentences(arguments.sentences)
    encoder = poolwise.load("demo")
    results = {
        "machine": describe(),
        "sentences": len(texts),
        "mean_tokens": statistics.mean(t.n_tokens for t in encoder.tokenize(texts)),
        "rounds": arguments.rounds,
        "speed": interleaved(arguments.rounds, texts),
        "peak_mb": {} if arguments.no_memory else peak_memory([10_000, 100_000]),
    }
    out = HERE / "results" / f"one-pass-{results['machine']['date']}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    page = as_markdown(results)
    out.with_suffix(".md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
