"""What ``poolwise serve`` promises, and whether this run kept it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from claim import Claim, Measured, at_least, at_most

from poolwise.serving.settings import Settings

Results = dict[str, Any]
NOT_RUN = "not part of this run"

TOKENS = 16
"""Of a request's text."""


def claims(results: Results) -> list[Claim]:
    return [claim for part in (_throughput, _overload, _single, _peers) for claim in part(results)]


def ours(results: Results) -> dict[str, list[Results]]:
    """The turns of poolwise's servers, by model and precision."""
    return turns([row for row in results["servers"] if row["ours"]], lambda row: row["precision"])


def turns(rows: Sequence[Results], name: Callable[[Results], str]) -> dict[str, list[Results]]:
    found: dict[str, list[Results]] = {}
    for row in rows:
        found.setdefault(f"{row['model']}, {name(row)}", []).append(row)
    return found


def median(rows: Sequence[Results], figure: Callable[[Results], float | None]) -> float | None:
    """Over the rounds that have the figure; None where none has."""
    values = [value for row in rows if (value := figure(row)) is not None]
    return statistics.median(values) if values else None


def beside_extraction(
    results: Results, rows: Sequence[Results]
) -> Iterator[tuple[Results, Results]]:
    """A server's turns, each with the extraction of the same round."""
    for row in rows:
        for bare in results["bare"]:
            if all(row[name] == bare[name] for name in ("round", "model", "precision")):
                yield row, bare


def of_bare(results: Results, rows: Sequence[Results], *, shared: bool = True) -> float | None:
    """Served texts a second as a share of extraction's, round by round; if not ``shared``, of what
    extraction would reach on the cores that the generator leaves."""
    cores = int(results["machine"]["cores"])
    shares = [
        row["saturated"]["answered_per_s"]
        / b["texts_per_s"]
        / (1 if shared else 1 - row["saturated"]["generator_cores"] / cores)
        for row, b in beside_extraction(results, rows)
    ]
    return statistics.median(shares) if shares else None


def _throughput(results: Results) -> Iterator[Claim]:
    for shared, claim in (
        (True, "throughput over extraction's, the generator on the same cores"),
        (False, "throughput over extraction's on the cores that the generator leaves"),
    ):
        values: Measured = []
        for place, rows in ours(results).items():
            share = of_bare(results, rows, shared=shared)
            values += [] if share is None else [(place, 100 * share)]
        yield at_least(claim, 85, values, " %", NOT_RUN)


def _overload(results: Results) -> Iterator[Claim]:
    def goodput(row: Results) -> float:
        return 100 * float(row["answered_per_s"] / row["capacity_per_s"])

    def refusal(row: Results) -> float | None:
        refused = row["during"]["statuses"].get("429")
        return refused and refused["p99_ms"]

    def longest(row: Results) -> float | None:
        """p99 of what was accepted, over the time of a full queue and one batch more."""
        settings = Settings()
        tokens = settings.queue_tokens + settings.batch_tokens
        seconds = tokens / (TOKENS * row["answered_per_s"])
        accepted = row["during"]["statuses"].get("200")
        return accepted and accepted["p99_ms"] / (1e3 * seconds)

    def recovery(row: Results) -> float:
        return float(row["recovery_s"])

    def other(row: Results) -> float:
        parts = [row[part]["statuses"] for part in ("before", "during", "after")]
        return sum(
            found["count"] for part in parts for s, found in part.items() if s not in ("200", "429")
        )

    kept, refused = _each(results, goodput), _each(results, refusal)
    yield at_least("overload: goodput over capacity", 90, kept, " %", NOT_RUN)
    yield at_most(
        "overload: p99 of what is accepted, over the time of a full queue and a batch",
        1,
        _each(results, longest),
        "x",
        NOT_RUN,
    )
    reason = "nothing was refused" if kept else NOT_RUN
    yield at_most("overload: refusals (429) within, p99", 50, refused, " ms", reason)
    yield at_most("overload: latency is back within", 5, _each(results, recovery), " s", NOT_RUN)
    yield at_most("overload: neither 200 nor 429", 0, _each(results, other), " requests", NOT_RUN)


def _each(results: Results, figure: Callable[[Results], float | None]) -> Measured:
    values = []
    for place, rows in ours(results).items():
        value = median([row["overload"] for row in rows if "overload" in row], figure)
        values += [] if value is None else [(place, value)]
    return values


def _single(results: Results) -> Iterator[Claim]:
    values: Measured = []
    for place, rows in ours(results).items():
        added = overhead(results, rows)
        values += [] if added is None else [(place, added)]
    yield at_most("one request beyond embed of its text, p50", 1, values, " ms", NOT_RUN)


def overhead(results: Results, rows: Sequence[Results]) -> float | None:
    """Milliseconds of a request beyond ``embed``, the median over rounds."""
    added = [
        row["single"]["p50_ms"] - b["single_ms"]
        for row, b in beside_extraction(results, rows)
        if "single" in row
    ]
    return statistics.median(added) if added else None


def _peers(results: Results) -> Iterator[Claim]:
    """Exact beside the others' float32, round by round."""
    values: Measured = []
    for place, rows in turns(results["servers"], lambda row: row["name"]).items():
        mine = ours(results).get(f"{rows[0]['model']}, exact")
        if rows[0]["ours"] or mine is None:
            continue
        ratios = [
            a["saturated"]["answered_per_s"] / b["saturated"]["answered_per_s"]
            for a in mine
            for b in rows
            if a["round"] == b["round"]
        ]
        if not ratios:
            continue
        values.append((place, statistics.median(ratios)))
    reasons = "; ".join(f"{a['name']}: {a['reason']}" for a in results["absent"])
    yield at_least("throughput, exact over the best peer", 1, values, "x", reasons or NOT_RUN)
