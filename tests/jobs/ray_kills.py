"""Kills of jobs on Ray: ``python ray_kills.py WORK ENCODER KILLS SEED`` prints a JSON line a job.

Each job has a Ray of its own on this machine. Its driver or its actor is killed at random moments,
and it is run again, until it ends by itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from job_files import files_of, write_corpus
from kills import check

ROWS, PART_ROWS, PARTS = 18_000, 200, 90
PATIENCE_S = 300


def begin(work: Path, encoder: str, output: Path, *options: str) -> subprocess.Popen[bytes]:
    inputs = [str(work / name) for name in ("a.jsonl", "b.jsonl")]
    command = [
        sys.executable, "-m", "poolwise", "embed", encoder, *inputs, "-o", f"{output}/",
        "-r", "mean@-1", "-r", "cls@-2|l2", "--id-column", "name", "--keep", "stars",
        "--part-rows", str(PART_ROWS), *options,
    ]  # fmt: skip
    with (work / "said.txt").open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def parts_in(output: Path) -> int:
    return sum(1 for _ in output.glob("part-*.parquet"))


def is_of_job(process: psutil.Process) -> bool:
    """Ray's agents for its dashboard and environments outlive what they serve by a minute."""
    return process.is_running() and "Agent" not in process.name()


def actors_of(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            if "PartActor" in process.name() or "PartActor" in "".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_at_random(
    run: subprocess.Popen[bytes], output: Path, draw: random.Random, *, actor: bool
) -> list[psutil.Process] | None:
    """Wait for some more parts and a little, and kill; all processes of the run. None: it ended."""
    goal = min(parts_in(output) + draw.choice([0, 1, 1, 2, 3, 5]), PARTS - 1)
    deadline = time.monotonic() + PATIENCE_S
    while run.poll() is None and (parts_in(output) < goal or not actors_of(run)):
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.001)
    time.sleep(draw.uniform(0, 0.05))
    if run.poll() is not None:
        return None
    try:
        family = [p for p in psutil.Process(run.pid).children(recursive=True) if is_of_job(p)]
        victim = draw.choice(actors_of(run)).pid if actor else run.pid
        os.kill(victim, signal.SIGKILL)
    except (psutil.Error, ProcessLookupError, IndexError):
        return None
    return family


def run_killed(work: Path, encoder: str, output: Path, whole: dict, most: int, draw) -> dict:
    kills, unfinished, last_s = Counter[str](), 0, 0.0
    while True:
        run = begin(work, encoder, output, "--ray", "local", "--workers", "1", "--resume")
        for actor in [True] * draw.choice([0, 1, 1, 2]) + [False]:
            if kills.total() >= most:
                break
            family = kill_at_random(run, output, draw, actor=actor)
            if family is None:
                break
            kills["actor" if actor else "driver"] += 1
            unfinished += any(output.glob(".part-*.partial"))
            if output.exists():
                check(output, whole)
            if not actor:
                began = time.monotonic()
                run.wait()
                _, alive = psutil.wait_procs(family, timeout=30)
                assert not alive, f"outlived their driver: {alive}"
                last_s = max(last_s, time.monotonic() - began)
                check(output, whole)
        else:
            continue
        code = run.wait(PATIENCE_S)
        assert code == 0, f"ended with {code}: {(work / 'said.txt').read_text()[-3000:]}"
        return {"kills": kills, "inside": unfinished, "all_ended_s": round(last_s, 2)}


def main(work: Path, encoder: str, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    write_corpus(work, ROWS)
    assert begin(work, encoder, work / "whole").wait(PATIENCE_S) == 0
    whole = files_of(work / "whole")
    done = number = 0
    while done < kills:
        output = work / f"job-{number}"
        began = time.monotonic()
        told = run_killed(work, encoder, output, whole, min(kills - done, 10), draw)
        left = files_of(output)
        assert left == whole, f"{left.keys() ^ whole.keys()} differ"
        parts = [pq.read_table(path)["id"].to_pylist() for path in sorted(output.glob("*.parquet"))]
        assert [n for ids in parts for n in ids] == list(range(ROWS))
        print(json.dumps({**told, "seconds": round(time.monotonic() - began)}), flush=True)
        done += told["kills"].total()
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
