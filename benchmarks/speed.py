"""Throughput and latency of every contender, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import cosine, reference
from ceiling import Peak, Peaks
from contenders import BASE, CLASSES, Contender, Embed
from models import Subject
from rounds import interleaved, ratio, say
from workloads import LATENCY_TOKENS, count_tokens, sixteen_tokens

Table = dict[str, Any]
CHECKED = 24
"""Texts on which a contender's vectors are compared with transformers'."""


def throughput(
    subject: Subject,
    folder: Path,
    name: str,
    texts: Sequence[str],
    contenders: Sequence[Contender],
    *,
    limits: Limits,
    rounds: int,
) -> Table:
    """One row a contender: seconds of each round, and what follows from them."""
    # Some compile anew for every shape they meet.
    contenders = [_tried(c, c.embed, texts, times=1) for c in contenders]
    ready = {c.name: (lambda embed=c.embed: embed(texts)) for c in contenders if c.embed}
    # A peak takes its turn in every round too, so that both see the machine in the same mood.
    peaks = {f"peak {key}": peak for key, peak in limits.peaks.items()}
    runs = ready | {key: peak.run for key, peak in peaks.items()}
    times = interleaved(runs, rounds, f"{subject.name}, {name}")
    rates = {key: [peak.gop / s for s in times[key]] for key, peak in peaks.items()}
    lengths = count_tokens(texts)
    work = subject.gflop(lengths)
    truth = reference(subject, folder, texts[:CHECKED])["mean@-1"]
    rows = []
    for contender in contenders:
        row = _row(contender)
        if contender.embed:
            spent = times[contender.name]
            key = limits.of(contender)
            row |= {
                "seconds": spent,
                "texts_per_s": len(texts) / statistics.median(spent),
                "ratio": ratio(spent, times[BASE]),
                "peak": key,
                "share": key
                and statistics.median(
                    work / s / top for s, top in zip(spent, rates[f"peak {key}"], strict=True)
                ),
                "min_cosine": float(cosine(contender.embed(texts[:CHECKED]), truth).min()),
            }
        rows.append(row)
    return {
        "model": subject.name,
        "workload": name,
        "texts": len(texts),
        "tokens": {"mean": statistics.mean(lengths), "min": min(lengths), "max": max(lengths)},
        "gflop": work,
        "peaks": {key: statistics.median(rate) for key, rate in rates.items()},
        "rows": rows,
    }


class Limits:
    """What each precision is measured against: ours on our level, a peer's on the CPU's best."""

    def __init__(self, peaks: Peaks, level: str, best: str) -> None:
        self._keys = {
            (precision, ours): peaks.of(precision, level if ours else best)
            for precision in CLASSES
            for ours in (True, False)
        }
        self.peaks: dict[str, Peak] = {
            key: peaks.burst(key) for key in dict.fromkeys(self._keys.values()) if key
        }

    def of(self, contender: Contender) -> str | None:
        return self._keys[contender.precision, contender.ours]


def latency(subject: Subject, contenders: Sequence[Contender], blocks: int, calls: int) -> Table:
    """Milliseconds from one sentence to its vector: blocks of calls, in turn."""
    text = [sixteen_tokens()]
    contenders = [_tried(c, c.single_embed, text, times=3) for c in contenders]
    runs = {
        c.name: (lambda embed=c.single_embed: embed(text)) for c in contenders if c.single_embed
    }
    times = interleaved(runs, blocks, f"{subject.name}, one sentence", calls=calls)
    rows = []
    for contender in contenders:
        row = _row(contender)
        if contender.single_embed:
            spent = times[contender.name]
            row |= {
                "p50_ms": 1e3 * statistics.median(spent),
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


def _tried(
    contender: Contender, embed: Embed | None, texts: Sequence[str], *, times: int
) -> Contender:
    """The contender after so many runs, or absent where one fails."""
    try:
        for _ in range(times if embed else 0):
            embed(texts)
    except Exception as error:  # whatever a peer raises, the others go on
        reason = f"it fails: {type(error).__name__}: {error}".splitlines()[0][:150]
        say(f"{contender.name}: {reason}")
        return replace(contender, embed=None, single=None, absent=reason)
    return contender


def _by_block(spent: Sequence[float], calls: int) -> list[float]:
    return [statistics.median(spent[i : i + calls]) for i in range(0, len(spent), calls)]


def _row(contender: Contender) -> Table:
    row = {"name": contender.name, "precision": contender.precision, "ours": contender.ours}
    return row | ({"absent": contender.absent} if contender.absent else {})
