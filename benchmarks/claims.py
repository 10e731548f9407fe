"""What the native engine promises, and whether this run kept it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from claim import Claim, Measured, at_least, at_most
from rounds import ratio

Results = dict[str, Any]
COMMITTED = Path(__file__).parent / "results" / "native-2026-11-22.json"
"""A run on a CPU with AVX2 alone, whose ratios hold for all that have no more."""

UNSEEN = "not measured here: no AVX-512, or poolwise may not use it"
RESTRICTED = "not measured here: the peers use more instructions than poolwise may in this run"
NEW_FAMILIES = ("ModernBERT-base shape", "NomicBERT-base shape")


def claims(results: Results) -> list[Claim]:
    parts = (_peers, _among_ours, _peaks, _latency, _accuracy, _readouts, _process)
    return [claim for part in parts for claim in part(results)]


def _peers(results: Results) -> Iterator[Claim]:
    """Beside others, which is the same machine only where poolwise may use what they use."""
    tables = results["throughput"]
    wide = results["level"].startswith("avx512")
    unfair = RESTRICTED if results["level"] != results["best_level"] else ""
    for precision, target, kind in (("exact", 1.3, "float32"), ("fast", 1.7, "int8")):
        values = [] if unfair else _ours(tables, precision, _over_best_peer)
        reason = unfair or _absent(tables, precision) or "no peer of this precision ran"
        least = target if wide else 1.0
        yield at_least(f"{precision} over the best {kind} peer", least, values, "x", reason)
    for model in NEW_FAMILIES:
        of_model = [table for table in tables if table["model"] == model]
        for peer in ("transformers (sdpa)", "sentence-transformers encode"):
            values = [] if unfair else _ours(of_model, "exact", _over(peer))
            claim = f"{model}, exact over {peer}"
            yield at_least(claim, 2.0, values, "x", unfair or "the peer did not run")
    yield _no_slower(results, unfair)


def _no_slower(results: Results, unfair: str) -> Claim:
    """On AVX2: each row's ratio to sentence-transformers, over that of the committed run."""
    claim = "AVX2: over the committed run of 2026-11-22, ratio by ratio"
    if results["level"] not in {"avx2", "avxvnni"}:
        unfair = "not measured here: this run uses " + results["level"]
    before = {
        (table["model"], table["workload"], row["precision"]): row["ratio"]
        for table in json.loads(COMMITTED.read_text())["throughput"]
        for row in table["rows"]
        if row["ours"] and "ratio" in row
    }

    def gain(row: Results, table: Results) -> float | None:
        old = before.get((table["model"], table["workload"], row["precision"]))
        return row["ratio"] / old if old else None

    tables = results["throughput"]
    values = [] if unfair else [v for p in ("exact", "fast") for v in _ours(tables, p, gain)]
    return at_least(claim, 1.0, values, "x", unfair)


def _among_ours(results: Results) -> Iterator[Claim]:
    tables, wide = results["throughput"], results["level"].startswith("avx512")
    ours = {p: f"poolwise {p} (native engine)" for p in ("exact", "near", "fast")}
    near = _ours(tables, "near", _over(ours["exact"]))
    reason = _absent(tables, "near") or "not part of this run"
    yield at_least("near over exact", 1.6 if wide else 1.35, near, "x", reason)
    if not wide:
        yield Claim("fast over exact (AVX-512)", "≥ 2.5x", UNSEEN, None)
        return
    fast = _ours(tables, "fast", _over(ours["exact"]))
    yield at_least("fast over exact (AVX-512)", 2.5, fast, "x", _absent(tables, "fast"))


def _peaks(results: Results) -> Iterator[Claim]:
    """Of the rate that registers allow, on AVX-512."""
    aims = (
        ("exact", "MiniLM-L6", 75, "FMA"),
        ("exact", "bert-base shape", 80, "FMA"),
        ("fast", "bert-base shape", 55, "byte"),
    )
    for precision, model, target, kind in aims:
        tables = [table for table in results["throughput"] if table["model"] == model]
        values, reason = _ours(tables, precision, _share), "not part of this run"
        if not results["level"].startswith("avx512"):
            values, reason = [], UNSEEN
        claim = f"{model}, {precision}, of the {kind} peak (AVX-512)"
        yield at_least(claim, target, values, " %", reason)


def _latency(results: Results) -> Iterator[Claim]:
    unfair = RESTRICTED if results["level"] != results["best_level"] else ""
    for precision, kind in (("exact", "float32"), ("near", "other"), ("fast", "other")):
        values = [] if unfair else _ours(results["latency"], precision, _before_peers)
        reason = unfair or _absent(results["latency"], precision) or "not part of this run"
        claim = f"one sentence, {precision} before the best {kind} peer, p50"
        yield at_least(claim, 1.0, values, "x", reason)
    overheads = [
        (f"{model}, {precision}", value)
        for model, by_precision in results["overhead"].items()
        for precision, value in by_precision.items()
    ]
    yield at_most("embed of one sentence beyond the engine's core, p50", 0.15, overheads, " ms")
    for model, found in results["memory"].items():
        values = [(model, found["added_mb"])]
        claim = f"{model}, memory that one text of {found['tokens']:,} tokens adds"
        yield at_most(claim, 500, values, " MB")


def _accuracy(results: Results) -> Iterator[Claim]:
    by_model = results["accuracy"]
    for part, name in (("mean_max_abs", "mean@-1"), ("cls_max_abs", "cls of every layer")):
        values = [(model, rows["exact"][part]) for model, rows in by_model.items()]
        yield at_most(f"exact beside transformers, {name}, largest difference", 1e-5, values, "")
    for precision, target in (("near", 0.9999), ("fast", 0.995)):
        values = [
            (model, rows[precision]["min_cosine"])
            for model, rows in by_model.items()
            if precision in rows and model in results["real"]
        ]
        reason = _absent(results["throughput"], precision)
        yield at_least(f"{precision}, smallest cosine to transformers", target, values, "", reason)
    sts = results["sts"] or {}
    for precision in ("near", "fast"):
        lost = [("STS-B dev", sts["exact"] - sts[precision])] if precision in sts else []
        reason = _absent(results["throughput"], precision) if sts else "no STS file was given"
        claim = f"{precision}, Spearman points lost against exact"
        yield at_most(claim, 0.15, lost, "", reason)
    same_bits = [rows["same_bits"] for values in by_model.values() for rows in values.values()]
    native = all(r["engine"] == "native" for rows in by_model.values() for r in rows.values())
    yield Claim(
        "a text alone has the bits it has in a batch",
        "always",
        f"{sum(same_bits)} of {len(same_bits)} models and precisions"
        + ("" if native else ", not all native"),
        all(same_bits) if same_bits else None,
    )


def _readouts(results: Results) -> Iterator[Claim]:
    costs = list(results["readouts"]["cost"].values()) if results["readouts"] else []
    names = ("each layer x cls, mean, max, over one readout", "cls@-1", "mean@3 of 6")
    all_layers, cls, half = costs[1:] if costs else (None,) * 3
    yield at_most(names[0], 1.05, _if(all_layers), "x")
    yield at_least("cls@-1, speed over mean@-1", 1.08, _if(cls and 1 / cls), "x")
    yield at_least("mean@3 of 6, speed over mean@-1", 1.7, _if(half and 1 / half), "x")


def _process(results: Results) -> Iterator[Claim]:
    met = results["busy"] and 100 * results["busy"]["throughput_kept"]
    yield at_least("throughput kept beside a busy process", 55, _if(met), " %")
    cold = (results["cold"] or {"seconds": {}})["seconds"]
    yield at_most("import poolwise, whole process", 0.3, _if(cold.get("import poolwise")), " s")
    yield at_most("process start to first vector", 0.6, _if(cold.get("first vector")), " s")


def _ours(
    tables: list[Results], precision: str, measure: Callable[[Results, Results], float | None]
) -> Measured:
    """A figure of our contender of this precision, wherever it ran."""
    values = []
    for table in tables:
        for row in table["rows"]:
            if row["ours"] and row["precision"] == precision and "absent" not in row:
                value = measure(row, table)
                place = ", ".join(filter(None, (table["model"], table.get("workload"))))
                values += [] if value is None else [(place, value)]
    return values


def _share(row: Results, _: Results) -> float | None:
    return None if row["share"] is None else 100 * row["share"]


def _over(name: str) -> Callable[[Results, Results], float | None]:
    """The speed over that of the contender of this name, round by round."""

    def measure(row: Results, table: Results) -> float | None:
        others = [r for r in table["rows"] if r["name"] == name and "seconds" in r]
        return ratio(row["seconds"], others[0]["seconds"]) if others else None

    return measure


def _over_best_peer(row: Results, table: Results) -> float | None:
    peers = [
        ratio(row["seconds"], peer["seconds"])
        for peer in table["rows"]
        if not peer["ours"] and peer["precision"] == row["precision"] and "absent" not in peer
    ]
    return min(peers, default=None)


def _before_peers(row: Results, table: Results) -> float | None:
    """The best peer's milliseconds over ours; exact is compared with float32 alone."""
    peers = [
        peer["p50_ms"] / row["p50_ms"]
        for peer in table["rows"]
        if not peer["ours"]
        and "absent" not in peer
        and (peer["precision"] == row["precision"] or row["precision"] != "exact")
    ]
    return min(peers, default=None)


def _absent(tables: list[Results], precision: str) -> str:
    for table in tables:
        for row in table["rows"]:
            if row["ours"] and row["precision"] == precision and "absent" in row:
                return str(row["absent"])
    return ""


def _if(value: float | None) -> Measured:
    return [] if value is None else [("", value)]
