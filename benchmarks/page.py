"""The results as a Markdown page: a table a workload, then the claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from claim import Claim, number

Results = dict[str, Any]
VERDICT = {True: "met", False: "**missed**", None: "not measured"}


def page(results: Results, claims: Sequence[Claim]) -> str:
    sections = [_head(results)]
    sections += [_throughput(table) for table in results["throughput"]]
    sections += [_latency(table) for table in results["latency"]]
    sections += [_costs(results), _accuracy(results)]
    sections += [_readouts(results["readouts"])] if results["readouts"] else []
    sections += [_processes(results)] if results["cold"] else []
    sections.append(judged(claims))
    return "\n".join(sections)


def _head(results: Results) -> str:
    lines = ["# The native engine beside others", ""]
    if results["quick"]:
        lines += ["*A quick run, to try the bench itself: no figure here is worth quoting.*", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        f"- level of the native engine: {results['level']}",
        f"- rounds: {results['rounds']}; the whole run took {results['minutes']:.0f} minutes",
        "",
        "Every round runs each contender once, in turn. A ratio is the median over rounds of the "
        "ratio to sentence-transformers in the same round. *Peak* is the rate on linear layers "
        "and attention of real tokens, as a share of what registers allow on all cores: float32 "
        "FMA for exact, the level's own products for near and fast, in a loop without memory that "
        "takes its turn in every round too. *Cosine* is the smallest to transformers' own vectors.",
        "",
    ]
    if results["level"] != results["best_level"]:
        lines += [
            f"**poolwise may use {results['restricted'] or results['level']} alone in this run, "
            f"its peers all that this CPU has ({results['best_level']}): only ratios among "
            "poolwise's own rows mean something.**",
            "",
        ]
    if isinstance(results["peaks"], str):
        lines += [f"No peak: {results['peaks']}.", ""]
    else:
        rates = (f"{name} {rate:,.0f}" for name, rate in results["peaks"].items())
        lines += [f"Peaks, billions of operations a second: {'; '.join(rates)}.", ""]
    for failure in results["failed"]:
        lines += [f"**Failed: {failure['part']}**: {failure['reason']}", ""]
    return "\n".join(lines)


def _throughput(table: Results) -> str:
    tokens = table["tokens"]
    texts = "texts of " if "tokens" in table["workload"] else ""
    header = (
        f"## {table['model']}, {texts}{table['workload']}{'' if texts else ' texts'}\n\n"
        f"{table['texts']:,} texts, {tokens['mean']:.1f} tokens on average "
        f"({tokens['min']} to {tokens['max']}).\n"
    )
    rows = []
    for row in _ranked(table["rows"], "ratio"):
        share = "" if row["share"] is None else f"{row['share']:.0%}"
        cosine = f"{min(row['min_cosine'], 1):.6f}"
        speed = f"{row['texts_per_s']:,.{0 if row['texts_per_s'] >= 100 else 1}f}"
        rows.append((_name(row), speed, f"{row['ratio']:.2f}", share, cosine))
    columns = ("", "texts/s", "x sentence-transformers", "peak", "cosine")
    return markdown_table(header, columns, rows) + _not_run(table["rows"])


def _latency(table: Results) -> str:
    header = (
        f"## {table['model']}, one sentence\n\n"
        f"{table['tokens']} tokens, {table['calls']} calls, in blocks that take turns.\n"
    )
    rows = []
    for row in _ranked(table["rows"], "ratio"):
        ms = (f"{row['p50_ms']:.2f}", f"{row['p95_ms']:.2f}")
        rows.append((_name(row), *ms, f"{row['ratio']:.2f}"))
    columns = ("", "p50, ms", "p95, ms", "x sentence-transformers")
    return markdown_table(header, columns, rows) + _not_run(table["rows"])


def _costs(results: Results) -> str:
    """Of a call beyond the engine's core, and of a long text."""
    rows = [
        (f"{model}, {precision}", f"{value:.3f}")
        for model, by_precision in results["overhead"].items()
        for precision, value in by_precision.items()
    ]
    header = "## A call\n\nMilliseconds of `embed` of one sentence beyond the engine's core, p50.\n"
    table = markdown_table(header, ("", "ms"), rows)
    for model, found in results["memory"].items():
        table += (
            f"\nOne text of {found['tokens']:,} tokens adds {found['added_mb']:,.0f} MB to the "
            f"{found['model_mb']:,.0f} MB of a process with {model} ({found['engine']} engine).\n"
        )
    return table


def _accuracy(results: Results) -> str:
    header = (
        "## Accuracy\n\nBeside transformers' own hidden states, each text alone, float32. "
        "The difference is the largest of any component.\n"
    )
    columns = ("", "mean@-1, difference", "cls@0 to cls@-1", "cosine, smallest", "mean", "bits")
    rows = []
    for model, readouts in results["accuracy"].items():
        for precision, row in readouts.items():
            name = f"{model}, {precision} ({row['engine']} engine)"
            bits = "same alone" if row["same_bits"] else "differ alone"
            far = (number(row["mean_max_abs"]), number(row["cls_max_abs"]))
            close = (f"{min(row['min_cosine'], 1):.7f}", f"{min(row['mean_cosine'], 1):.7f}")
            rows.append((name, *far, *close, bits))
    table = markdown_table(header, columns, rows)
    if results["sts"]:
        points = ", ".join(f"{p} {value:.3f}" for p, value in results["sts"].items())
        table += f"\nSpearman x 100 on STS-B dev, {results['real'][0]}, mean@-1: {points}.\n"
    return table


def _readouts(readouts: Results) -> str:
    header = (
        f"## Readouts in one pass\n\nMiniLM-L6, exact ({readouts['engine']} engine), "
        f"{readouts['texts']:,} short texts: time over that of mean@-1.\n"
    )
    return markdown_table(
        header, ("", "cost"), [(n, f"{c:.2f}") for n, c in readouts["cost"].items()]
    )


def _processes(results: Results) -> str:
    cold = results["cold"]
    runs = len(next(iter(cold["times"].values())))
    header = f"## Processes\n\nA whole process, median of {runs}, files already in memory.\n"
    rows = [(name, f"{value:.2f}") for name, value in cold["seconds"].items()]
    table = markdown_table(header, ("", "seconds"), rows)
    if busy := results["busy"]:
        table += (
            f"\nBeside a process that keeps a core busy, {busy['throughput_kept']:.0%} of the "
            f"throughput remains ({busy['engine']} engine, exact).\n"
        )
    return table


def judged(claims: Sequence[Claim]) -> str:
    met = sum(claim.met is True for claim in claims)
    missed = sum(claim.met is False for claim in claims)
    header = (
        f"## Claims\n\n{met} met, {missed} missed, {len(claims) - met - missed} not measured.\n"
    )
    rows = [(c.claim, c.target, c.measured, VERDICT[c.met]) for c in claims]
    return markdown_table(header, ("", "target", "measured", ""), rows)


def _ranked(rows: Sequence[Results], key: str) -> list[Results]:
    """Those that ran, fastest first."""
    return sorted((row for row in rows if key in row), key=lambda row: -row[key])


def _not_run(rows: Sequence[Results]) -> str:
    not_run = [f"{row['name']}, because {row['absent']}" for row in rows if "absent" in row]
    return f"\nNot run: {'; '.join(not_run)}.\n" if not_run else ""


def _name(row: Results) -> str:
    return f"**{row['name']}**" if row["ours"] else str(row["name"])


def markdown_table(header: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = "|---|" + "---:|" * (len(columns) - 1)
    lines = [header, f"| {' | '.join(columns)} |", aligned]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"
