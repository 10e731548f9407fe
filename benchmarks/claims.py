"""What the native engine promises, and whether this run kept it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contenders import CLASSES
from rounds import ratio

Results = dict[str, Any]
Measured = list[tuple[str, float]]
"""Where, and how much."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``met`` is None where this run could not tell, and ``measured`` says why."""

    claim: str
    target: str
    measured: str
    met: bool | None


SPEEDUPS = {"exact": 1.6, "near": 2.8, "fast": 5.0}
LATENCY_MS = {"MiniLM-L6": 2.5, "bert-base shape": 24.0}


def claims(results: Results) -> list[Claim]:
    return [*_throughput(results), *_accuracy(results), *_readouts(results), *_process(results)]


def _throughput(results: Results) -> Iterator[Claim]:
    tables = results["throughput"]
    for precision, target in SPEEDUPS.items():
        values = _ours(tables, precision, lambda row, _: row["ratio"])
        reason = _absent(tables, precision)
        yield at_least(f"{precision} over sentence-transformers", target, values, "x", reason)
    for precision in CLASSES:
        if precision == "near":  # no peer computes in half precision on a CPU
            continue
        values = _ours(tables, precision, _over_best_peer)
        reason = _absent(tables, precision) or "no peer of this precision ran"
        yield at_least(
            f"{precision} over the best {_kind(precision)} peer", 1.0, values, "x", reason
        )
    values = _ours(tables, "exact", lambda row, _: 100 * row["ceiling"])
    yield at_least("exact, of the matrix product's rate (an aim)", 80, values, " %", "not run")
    for model, target in LATENCY_MS.items():
        tables_of_model = [table for table in results["latency"] if table["model"] == model]
        values = _ours(tables_of_model, "exact", lambda row, _: row["p50_ms"])
        yield at_most(f"one 16-token sentence, {model}, exact, p50", target, values, " ms")


def _accuracy(results: Results) -> Iterator[Claim]:
    by_model = results["accuracy"]
    for part, name in (("mean_max_abs", "mean@-1"), ("cls_max_abs", "cls of every layer")):
        values = [(model, rows["exact"][part]) for model, rows in by_model.items()]
        yield at_most(f"exact beside transformers, {name}, largest difference", 1e-5, values, "")
    for precision, target in (("near", 0.99998), ("fast", 0.995)):
        values = [
            (model, rows[precision]["min_cosine"])
            for model, rows in by_model.items()
            if precision in rows and model in results["real"]
        ]
        reason = _absent(results["throughput"], precision)
        yield at_least(f"{precision}, smallest cosine to transformers", target, values, "", reason)
    sts = results["sts"] or {}
    lost = [("STS-B dev", sts["exact"] - sts["fast"])] if "fast" in sts else []
    reason = _absent(results["throughput"], "fast") if sts else "no STS file was given"
    yield at_most("fast, Spearman points lost against exact", 0.15, lost, "", reason)
    same_bits = [rows["same_bits"] for values in by_model.values() for rows in values.values()]
    native = all(r["engine"] == "native" for rows in by_model.values() for r in rows.values())
    yield Claim(
        "a text alone has the bits it has in a batch",
        "always",
        f"{sum(same_bits)} of {len(same_bits)} models and precisions"
        + ("" if native else ", not native"),
        all(same_bits),
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


def at_least(claim: str, target: float, values: Measured, unit: str, reason: str = "") -> Claim:
    return _claim(claim, "≥", target, values=values, unit=unit, reason=reason)


def at_most(claim: str, target: float, values: Measured, unit: str, reason: str = "") -> Claim:
    return _claim(claim, "≤", target, values=values, unit=unit, reason=reason)


def _claim(
    claim: str, sign: str, target: float, *, values: Measured, unit: str, reason: str
) -> Claim:
    target_text = f"{sign} {target:g}{unit}"
    if not values:
        return Claim(claim, target_text, reason or "not part of this run", None)
    good = [v >= target if sign == "≥" else v <= target for _, v in values]
    place, worst = (min if sign == "≥" else max)(values, key=lambda pair: pair[1])
    measured = f"{number(worst)}{unit}"
    if len(values) > 1:
        measured += f" at worst ({place}); {sum(good)} of {len(values)} hold"
    return Claim(claim, target_text, measured, all(good))


def number(value: float) -> str:
    """Few digits, but all the nines of a cosine."""
    if 0.99 <= value < 1:
        return f"{value:.6f}"
    return f"{value:.1e}" if abs(value) < 1e-3 and value else f"{value:.3g}"


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


def _over_best_peer(row: Results, table: Results) -> float | None:
    peers = [
        ratio(row["seconds"], peer["seconds"])
        for peer in table["rows"]
        if not peer["ours"] and peer["precision"] == row["precision"] and "absent" not in peer
    ]
    return min(peers, default=None)


def _absent(tables: list[Results], precision: str) -> str:
    for table in tables:
        for row in table["rows"]:
            if row["ours"] and row["precision"] == precision and "absent" in row:
                return str(row["absent"])
    return ""


def _kind(precision: str) -> str:
    return {"exact": "float32", "fast": "int8"}[precision]


def _if(value: float | None) -> Measured:
    return [] if value is None else [("", value)]
