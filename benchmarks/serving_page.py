"""The results of serving as a Markdown page: tables, then the claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from claim import Claim
from load import MOST
from page import judged, markdown_table
from serving_claims import beside_extraction, median, of_bare, ours, overhead, turns

Results = dict[str, Any]


def page(results: Results, claims: Sequence[Claim]) -> str:
    parts = [_head(results), _throughput(results), _rates(results), _overload(results)]
    return "\n".join([*parts, _single(results), judged(claims)])


def _head(results: Results) -> str:
    lines = ["# poolwise serve under load", ""]
    if results["quick"]:
        lines += ["*A quick run, to try the bench itself: no figure here is worth quoting.*", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        f"- rounds: {results['rounds']}; loads of {results['seconds']:g} s, overload of "
        f"{results['overload_seconds']:g} s; the whole run took {results['minutes']:.0f} minutes",
        f"- busy or waiting processes in the minute before: {results['load_before']:.1f}",
        "",
        "Every round runs extraction without a server and each server once, in turn; figures are "
        "medians over rounds. A request has one text of 16 tokens and asks for base64. The load "
        "comes from one process on the same cores, over loopback: *generator* is how many cores "
        "it kept busy, *server* how many the server did. At offered rates requests leave on a "
        "schedule (Poisson) whether or not earlier ones were answered, and latency counts from "
        "when they were due. Threads of torch wait without spinning (OMP_WAIT_POLICY=PASSIVE), "
        "which serves more on cores that are shared.",
        "",
    ]
    for failure in results["failed"]:
        lines += [f"**Failed: {failure['part']}**: {failure['reason']}", ""]
    for absent in results["absent"]:
        lines += [f"Not run: {absent['name']}, because {absent['reason']}.", ""]
    return "\n".join(lines)


def _throughput(results: Results) -> str:
    header = (
        f"## Throughput\n\nAt saturation by {results['connections']} connections. *Of extraction*: "
        "over `extract` of the same texts in a process, as it is, and over what that would reach "
        "on the cores that the generator leaves.\n"
    )
    columns = ("", "texts/s", "of extraction", "on the cores left", "server", "generator")
    rows = []
    for place, bare in turns(results["bare"], lambda row: row["precision"]).items():
        speed = median(bare, lambda row: row["texts_per_s"])
        cores = median(bare, lambda row: row["cores"])
        rows.append((f"{place}: extraction", _count(speed), "", "", _two(cores), ""))
    for place, served in turns(results["servers"], lambda row: row["name"]).items():
        shares = [of_bare(results, served, shared=shared) for shared in (True, False)]
        figures = [
            median([row["saturated"] for row in served], _figure(name))
            for name in ("answered_per_s", "cores", "generator_cores")
        ]
        speed, *cores = figures
        name = _bold(place, served)
        rows.append((name, _count(speed), *map(_share, shares), *map(_two, cores)))
    return markdown_table(header, columns, rows)


def _rates(results: Results) -> str:
    header = "## Offered rates\n\n*Answered* is the share of requests with 200.\n"
    columns = ("", "offered/s", "answered", "p50, ms", "p90, ms", "p99, ms", "sent late, p99, ms")
    rows = []
    for place, served in turns(results["servers"], lambda row: row["name"]).items():
        for rate in results["rates"].get(served[0]["model"], ()):
            some = [load for row in served for load in row["rated"] if load["rate"] == rate]
            if not some:
                continue
            latencies = [
                median(some, lambda load, part=part: load["statuses"].get("200", {}).get(part))
                for part in ("p50_ms", "p90_ms", "p99_ms")
            ]
            answered, late = (median(some, _figure(name)) for name in ("answered", "late_ms"))
            name = _bold(place, served)
            rows.append((name, str(rate), _share(answered), *map(_two, latencies), _two(late)))
    return markdown_table(header, columns, rows)


def _overload(results: Results) -> str:
    header = (
        "## Overload\n\nFour times the capacity of the same turn. *Goodput*: replies by 200 in "
        "that time, over capacity. *Recovery*: seconds after it until a light load's latency "
        "stays within twice of what it was before. *Sent late*: a request leaves late where all of "
        f"{MOST:,} connections wait for replies; latencies count from when it was due.\n"
    )
    columns = ("", "offered/s", "goodput", "200: p50, ms", "p99", "429", "429: p50, ms", "p99")
    columns += ("recovery, s", "server", "generator", "sent late, p99, ms")
    rows = []
    for place, served in ours(results).items():
        loads = [row["overload"] for row in served if "overload" in row]
        if not loads:
            continue

        def of(status: str, part: str, loads: list[Results] = loads) -> float | None:
            return median(loads, lambda x: x["during"]["statuses"].get(status, {}).get(part))

        offered = median(loads, lambda load: load["during"]["offered_per_s"])
        goodput = median(loads, lambda load: load["answered_per_s"] / load["capacity_per_s"])
        refused = median(
            loads,
            lambda x: (
                x["during"]["statuses"].get("429", {"count": 0})["count"] / x["during"]["requests"]
            ),
        )
        rest = (median(loads, _figure(name)) for name in ("recovery_s", "cores", "generator_cores"))
        accepted = (_two(of("200", "p50_ms")), _two(of("200", "p99_ms")))
        late = median(loads, lambda load: load["during"]["late_ms"])
        refusals = (_two(of("429", "p50_ms")), _two(of("429", "p99_ms")))
        first = (f"**{place}**", _count(offered), _share(goodput))
        rows.append((*first, *accepted, _share(refused), *refusals, *map(_two, (*rest, late))))
    return markdown_table(header, columns, rows)


def _single(results: Results) -> str:
    header = (
        "## One request at a time\n\nOver one connection, and `embed` of one text in a process.\n"
    )
    columns = ("", "request, p50, ms", "p99, ms", "embed, p50, ms", "beyond embed, ms")
    rows = []
    for place, served in turns(results["servers"], lambda row: row["name"]).items():
        singles = [row["single"] for row in served if "single" in row]
        latencies = [median(singles, _figure(part)) for part in ("p50_ms", "p99_ms")]
        bare = [extracted for _, extracted in beside_extraction(results, served)]
        embed = median(bare, _figure("single_ms")) if served[0]["ours"] else None
        added = overhead(results, served) if served[0]["ours"] else None
        rows.append((_bold(place, served), *map(_two, (*latencies, embed, added))))
    return markdown_table(header, columns, rows)


def _figure(name: str) -> Callable[[Results], float | None]:
    return lambda row: row.get(name)


def _bold(place: str, rows: Sequence[Results]) -> str:
    return f"**{place}**" if rows[0]["ours"] else place


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
