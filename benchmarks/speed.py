"""Throughput and latency of every contender, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import cosine, reference
from ceiling import Gemm
from contenders import BASE, Contender
from models import Subject
from rounds import interleaved, ratio
from workloads import LATENCY_TOKENS, count_tokens, sixteen_tokens

Table = dict[str, Any]
CEILING = "matrix product"
CHECKED = 24
"""Texts on which a contender's vectors are compared with transformers'."""


def throughput(
    subject: Subject,
    folder: Path,
    workload: str,
    texts: Sequence[str],
    contenders: Sequence[Contender],
    *,
    gemm: Gemm,
    rounds: int,
) -> Table:
    """One row a contender: seconds of each round, and what follows from them."""
    running = {c.name: c.embed for c in contenders if c.embed}
    ready = {name: (lambda embed=embed: embed(texts)) for name, embed in running.items()}
    for run in ready.values():  # some compile anew for every shape they meet
        run()
    burst = gemm.burst()
    times = interleaved(
        ready | {CEILING: burst.product}, rounds, f"{subject.name}, {workload} texts"
    )
    lengths = count_tokens(list(texts))
    work = subject.gflop(lengths)
    # The same product in the same round, so that both see the machine in the same mood.
    limit = [burst.gflop / s for s in times[CEILING]]
    truth = reference(folder, texts[:CHECKED], subject.depth)["mean@-1"]
    rows = []
    for contender in contenders:
        row = _row(contender)
        if contender.embed:
            spent = times[contender.name]
            row |= {
                "seconds": spent,
                "texts_per_s": len(texts) / statistics.median(spent),
                "ratio": ratio(spent, times[BASE]),
                "ceiling": statistics.median(
                    work / s / top for s, top in zip(spent, limit, strict=True)
                ),
                "min_cosine": float(cosine(contender.embed(texts[:CHECKED]), truth).min()),
            }
        rows.append(row)
    return {
        "model": subject.name,
        "workload": workload,
        "texts": len(texts),
        "tokens": {"mean": statistics.mean(lengths), "min": min(lengths), "max": max(lengths)},
        "gflop": work,
        "ceiling_gflop_per_s": statistics.median(limit),
        "rows": rows,
    }


def latency(subject: Subject, contenders: Sequence[Contender], blocks: int, calls: int) -> Table:
    """Milliseconds from one sentence to its vector: blocks of calls, in turn."""
    text = [sixteen_tokens()]
    runs = {
        c.name: (lambda embed=c.single_embed: embed(text)) for c in contenders if c.single_embed
    }
    for run in runs.values():
        for _ in range(3):
            run()
    times = interleaved(runs, blocks, f"{subject.name}, one sentence", calls=calls)
    middle = {name: statistics.median(spent) for name, spent in times.items()}
    rows = []
    for contender in contenders:
        row = _row(contender)
        if contender.single_embed:
            spent = times[contender.name]
            row |= {
                "p50_ms": 1e3 * middle[contender.name],
                "p95_ms": 1e3 * float(np.quantile(spent, 0.95)),
                "ratio": ratio(_by_block(spent, calls), _by_block(times[BASE], calls)),
            }
        rows.append(row)
    return {
        "model": subject.name,
        "tokens": LATENCY_TOKENS,
        "calls": blocks * calls,
        "rows": rows,
    }


def _by_block(spent: Sequence[float], calls: int) -> list[float]:
    return [statistics.median(spent[i : i + calls]) for i in range(0, len(spent), calls)]


def _row(contender: Contender) -> Table:
    row = {"name": contender.name, "precision": contender.precision, "ours": contender.ours}
    return row | ({"absent": contender.absent} if contender.absent else {})
