"""poolwise serve under load, beside extraction in a process and beside other servers, in one run.

    python benchmarks/serving.py [--rounds 3] [--seconds 10] [--overload-seconds 60]
                                 [--models MiniLM-L6 ...] [--peers fastapi infinity]

Each round measures extraction without a server and every server, in turn: throughput at saturation,
one request at a
time, latency at rates that are the same for all, and, of poolwise, four times as
many requests as it can serve, then few. Requests are texts of 16 tokens, one each. The load comes
from one process on the same CPUs, whose CPU time stands beside the server's. Results go to
benchmarks/results/, or to ``--out``, after each round anew. A part that fails is named on the page,
and the others go on. ``--quick`` tries the bench itself, and is printed alone.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from in_process import in_process
from machine import describe
from models import SUBJECTS, Subject, folder_of
from rounds import say
from servers import running
from serving_claims import claims
from serving_load import agrees, alone, overload, rated, requests_of, saturated
from serving_page import page
from serving_peers import PEERS, Contender, poolwise_server
from workloads import of_sixteen_tokens

HERE = Path(__file__).parent
TEXTS = 10_000
SERVERS = ("uvicorn", "starlette", "httptools", "uvloop", "fastapi")
"""Packages of servers, whose versions are noted too."""

SHARES = (0.25, 0.5, 0.75)
"""Offered rates, as shares of what extraction, exact, reaches in the first round."""

CALLS = 500
"""Single requests, and single texts of ``embed``, a round."""


class Run:
    """The results so far; ``part`` adds to them, or notes why it could not."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.began = arguments, time.perf_counter()
        self.results: dict[str, Any] = {
            "machine": describe(*SERVERS),
            "load_before": os.getloadavg()[0],
            "quick": arguments.quick,
            "rounds": arguments.rounds,
            "seconds": arguments.seconds,
            "overload_seconds": arguments.overload_seconds,
            "connections": arguments.connections,
            "rates": {},
            "bare": [],
            "servers": [],
            "absent": [],
            "failed": [],
        }

    def part(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # the run goes on, and its page says what is missing
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
            say(f"{name} FAILED: {reason}")
            self.results["failed"].append({"part": name, "reason": reason})

    def write(self) -> str:
        """The page; also its files, where the run has a place for them."""
        arguments, results = self.arguments, self.results
        results["minutes"] = (time.perf_counter() - self.began) / 60
        judged = claims(results)
        results["claims"] = [asdict(claim) for claim in judged]
        markdown = page(results, judged)
        if out := arguments.out or (None if arguments.quick else HERE / "results"):
            out.mkdir(parents=True, exist_ok=True)
            file = out / f"serving-{results['machine']['date']}.json"
            file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            file.with_suffix(".md").write_text(markdown, encoding="utf-8")
        return markdown


def measure(run: Run, temporary: Path) -> None:
    texts = of_sixteen_tokens(TEXTS)
    for name in run.arguments.models:
        subject = SUBJECTS[name]
        run.part(name, lambda subject=subject: _one_model(run, subject, temporary, texts))


def _one_model(run: Run, subject: Subject, temporary: Path, texts: list[str]) -> None:
    arguments, folder = run.arguments, folder_of(subject, temporary)
    say(f"{subject}: getting every server ready")
    servers = [poolwise_server(folder, precision) for precision in arguments.precisions]
    for peer in (PEERS[name](folder, arguments.environments) for name in arguments.peers):
        if peer.absent:
            run.results["absent"].append({"name": peer.name, "reason": peer.absent})
        else:
            servers.append(peer)
    for number in range(arguments.rounds):
        say(f"{subject}: round {number + 1} of {arguments.rounds}")
        turns = Round(run, subject, folder, texts, number)
        for precision in arguments.precisions:
            run.part(
                f"{subject.name}, extraction, {precision}", partial(turns.extraction, precision)
            )
        for server in servers:
            run.part(f"{subject.name}, {server.name}", partial(turns.serving, server))
        run.write()


@dataclass(frozen=True, slots=True)
class Round:
    """Everyone's turn, once."""

    run: Run
    subject: Subject
    folder: Path
    texts: list[str]
    number: int

    def extraction(self, precision: str) -> None:
        say(f"  extraction, {precision}")
        results, name = self.run.results, self.subject.name
        seconds = self.run.arguments.seconds
        figures = in_process(self.folder, precision, self.texts, seconds, CALLS)
        place = {"round": self.number, "model": name, "precision": precision}
        results["bare"].append(place | figures)
        rates = [round(share * figures["texts_per_s"]) for share in SHARES]
        results["rates"].setdefault(name, rates)

    def serving(self, contender: Contender) -> None:
        """A row of what has been measured, even where a later part of the turn fails."""
        say(f"  {contender.name}")
        arguments, results = self.run.arguments, self.run.results
        row: dict[str, Any] = {
            "round": self.number,
            "model": self.subject.name,
            "name": contender.name,
            "precision": contender.precision,
            "ours": contender.ours,
            "rated": [],
        }
        assert contender.command is not None
        with running(contender.command, contender.ready, contender.environment) as server:
            requests = requests_of(self.texts, server.model_name())
            row["cosine"] = agrees(server, self.folder, self.texts[:8])
            saturated(server, requests, arguments.connections, 2)  # warm
            row["saturated"] = saturated(server, requests, arguments.connections, arguments.seconds)
            results["servers"].append(row)
            row["single"] = alone(server, requests, CALLS)
            for rate in results["rates"].get(self.subject.name, ()):
                row["rated"].append(rated(server, requests, rate, arguments.seconds))
            if contender.ours and arguments.overload_seconds:
                say("    overload")
                capacity = row["saturated"]["answered_per_s"]
                row["overload"] = overload(server, requests, capacity, arguments.overload_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="default 3; 1 for a quick run")
    parser.add_argument("--seconds", type=float, help="of each load; default 10, 2 if quick")
    parser.add_argument("--overload-seconds", type=float, help="default 60, 4 if quick; 0: none")
    parser.add_argument("--connections", type=int, default=256, help="at saturation")
    parser.add_argument("--models", nargs="+", choices=SUBJECTS, default=["MiniLM-L6"])
    parser.add_argument("--precisions", nargs="+", default=["exact", "fast"])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--environments", type=Path, default=HERE.parent / "out" / "environments")
    parser.add_argument("--quick", action="store_true", help="short loads, one round")
    parser.add_argument("--out", type=Path, help="folder of the JSON and the Markdown")
    arguments = parser.parse_args()
    quick = arguments.quick
    arguments.rounds = arguments.rounds or (1 if quick else 3)
    arguments.seconds = arguments.seconds or (2 if quick else 10)
    if arguments.overload_seconds is None:
        arguments.overload_seconds = 4 if quick else 60
    with tempfile.TemporaryDirectory() as temporary:
        run = Run(arguments)
        measure(run, Path(temporary))
        print(run.write())


if __name__ == "__main__":
    main()
