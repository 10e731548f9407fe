"""poolwise serve for long: memory stays flat, nothing fails, and SIGTERM loses no request.

    python benchmarks/serving_soak.py [--minutes 15] [--terms 100] [--precision exact]

First mixed traffic (texts of all lengths, several readouts, wrong requests, clients that leave):
memory over the last two thirds may grow by less than 5 %, upper end of the interval, and no reply
is a 5xx. Then the server is started, loaded and ended by SIGTERM, again and again: each request
that had arrived gets a reply, and the exit code is 0. The exit code here is 1 where that fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from load import offering
from memory_slope import Sampler, growth
from rounds import say
from servers import running
from serving_peers import Contender, poolwise_server
from soak_traffic import Leavers, mixed_requests
from terminations import Terminations, terminate
from workloads import of_sixteen_tokens

import poolwise

MOST_GROWTH = 5
REQUESTS = 4_000
LEAVERS_PER_S = 10


def soak(contender: Contender, minutes: float, rate: float) -> dict[str, Any]:
    assert contender.command is not None
    with running(contender.command, contender.ready) as server:
        requests = mixed_requests(server.model_name(), REQUESTS)
        say(f"mixed traffic for {minutes:g} minutes, {rate:g} requests a second")
        with (
            Leavers(server.port, requests, LEAVERS_PER_S) as leavers,
            Sampler(server, 1.0) as sampler,
        ):
            load = offering(server.port, requests, [(rate, 60 * minutes)], drain=60).finish()
        ready = server.get("/readyz")[0]
        exit_code = server.stop()
    figures = load.summary()
    grown = growth(sampler.times, sampler.memory)
    failures = {
        status: found["count"]
        for status, found in figures["statuses"].items()
        if not status.isdigit() or int(status) >= 500
    }
    return {
        "minutes": minutes,
        "left": leavers.left,
        "statuses": {status: found["count"] for status, found in figures["statuses"].items()},
        "failures": failures,
        "memory": asdict(grown),
        "ready_after": ready,
        "exit_code": exit_code,
        "passed": grown.flat(MOST_GROWTH) and not failures and ready == 200 and exit_code == 0,
    }


def end_again_and_again(contender: Contender, times: int, rate: float) -> dict[str, Any]:
    texts, found = of_sixteen_tokens(2_000), Terminations()
    for number in range(times):
        if number % 10 == 0:
            say(f"SIGTERM {number + 1} of {times}")
        terminate(contender, texts, rate, found, seed=number)
    return found.figures() | {"passed": found.passed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15, help="of mixed traffic; 0 for none")
    parser.add_argument("--terms", type=int, default=100, help="times that SIGTERM comes")
    parser.add_argument("--rate", type=float, default=30, help="mixed requests a second")
    parser.add_argument("--term-rate", type=float, default=400, help="requests before a SIGTERM")
    parser.add_argument("--precision", default="exact")
    arguments = parser.parse_args()
    folder = Path(poolwise.load("demo").folder)
    contender = poolwise_server(folder, arguments.precision)
    began, results = time.perf_counter(), {}
    if arguments.minutes:
        results["soak"] = soak(contender, arguments.minutes, arguments.rate)
        print(json.dumps(results["soak"], indent=2), flush=True)
    if arguments.terms:
        times, rate = arguments.terms, arguments.term_rate
        results["terminations"] = end_again_and_again(contender, times, rate)
        print(json.dumps(results["terminations"], indent=2), flush=True)
    passed = all(part["passed"] for part in results.values())
    took = (time.perf_counter() - began) / 60
    print(f"{'passed' if passed else 'FAILED'} in {took:.1f} minutes")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
