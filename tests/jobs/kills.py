"""The kill harness: ``python kills.py WORK ENCODER KILLS SEED`` prints a JSON line a job.

Each job is killed at random moments and run again, over and over, until it ends by itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from job_files import files_of, write_corpus
from job_processes import BEGUN, COMPUTED, MADE, RESULT, JobProcess

ROWS, PART_ROWS = 1_200, 40
KINDS: dict[str, dict[str, Any]] = {
    "one process": {},
    "one worker": {"workers": 1},
    "two workers": {"workers": 2},
    "two jobs": {"jobs": 2},
    "two jobs of two workers": {"jobs": 2, "workers": 2},
    "two jobs without locks": {"jobs": 2, "locks": False},
}


class KilledJob:
    """One output, on which processes work until they are killed, and again."""

    def __init__(self, kind: str, work: Path, asked: dict[str, Any], draw: random.Random) -> None:
        settings = KINDS[kind]
        self.kind, self.draw = kind, draw
        self.workers, self.locks = settings.get("workers"), settings.get("locks", True)
        self.jobs = settings.get("jobs", 1)
        self.said = work / "said.txt"
        self.asked = {**asked, "workers": self.workers}
        self.output = Path(asked["output"])
        self.runs: list[JobProcess] = []
        self.killed: set[int] = set()
        self.kills = Counter[str]()

    def run(self, whole: dict[str, bytes], most: int) -> None:
        """Kill it at most so often, until all of its processes have ended well."""
        running = [self._begin() for _ in range(self.jobs)]
        orphaned: list[JobProcess] = []
        while running:
            run = self.draw.choice(running)
            self._wait(run)
            if run.ended or self.kills.total() >= most:
                code = run.wait()
                assert code == 0, f"ended with {code}: {self.said.read_text()[-2000:]}"
                running.remove(run)
                continue
            how = self.draw.choice(["group", "group", "parent", "worker"])
            if how == "worker" and self.workers and self._kill_worker(run):
                check(self.output, whole)
                continue
            run.kill(group=how == "group")
            self.kills["group" if how == "group" else "parent"] += 1
            check(self.output, whole)
            running.remove(run)
            if how == "group":
                run.wait()
                check(self.output, whole)
            else:  # its workers may work for a moment beside the next run
                orphaned.append(run)
            running.append(self._begin())
        for run in orphaned:
            run.wait()

    def _begin(self) -> JobProcess:
        run = JobProcess(self.said, self.asked, locks=self.locks)
        self.runs.append(run)
        return run

    def _wait(self, run: JobProcess) -> None:
        """Until a moment for a kill: after some more events, and a little."""
        more = self.draw.choice([0, 1, 2, 3, 5, 8, 13, 21, 34])
        run.wait_for(len(run.events) + more)
        time.sleep(self.draw.uniform(0, 0.15) if more == 0 else self.draw.uniform(0, 0.012))

    def _kill_worker(self, run: JobProcess) -> bool:
        """Whether there was one to kill: once a run, as the third death over a part ends it."""
        at_work = [pid for pid in run.at_work() if pid != run.pid]
        if not at_work or self.killed & {event.pid for event in run.events}:
            return False
        try:
            os.kill(at_work[-1], signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.killed.add(at_work[-1])
        self.kills["worker"] += 1
        return True

    def redone(self) -> int:
        """How often a part was begun again: for each process that was killed over one, no more."""
        made: set[int] = set()
        begun = Counter[int]()
        for run in self.runs:
            events = Counter(event.kind for event in run.events)
            assert events[BEGUN] - events[MADE] <= self.most_at_once(run)
            for event in run.events:
                begun[event.part] += event.kind == BEGUN
                if event.kind == MADE:
                    assert event.part not in made or not self.locks, "made twice"
                    made.add(event.part)
            for result in (e for e in run.events if e.kind == RESULT):
                rows = sum(e.rows for e in run.events if e.kind == COMPUTED)
                left = sum(
                    e.rows for e in run.events if e.kind == COMPUTED and e.pid in self.killed
                )
                assert rows - left <= result.rows <= rows, "another count of rows"
        redone = sum(begun.values()) - len(begun)
        assert redone <= sum(len(run.at_work()) for run in self.runs) or not self.locks
        return redone

    def most_at_once(self, run: JobProcess) -> int:
        """Parts that a run can leave unfinished: one a process that was ended."""
        own = {event.pid for event in run.events}
        return max(self.workers or 1, 1) + len(own & self.killed)


def check(output: Path, whole: dict[str, bytes]) -> None:
    """What lies there under its name is, byte for byte, what was never interrupted."""
    for name, content in files_of(output).items():
        if not name.rpartition("/")[2].startswith("."):
            assert name in whole, f"a file of another name: {name}"
            assert content == whole[name], f"{name} has other bytes"


def check_rows(output: Path) -> None:
    """Each row is there once, in parts that follow one another."""
    parts = [pq.read_table(path)["id"].to_pylist() for path in sorted(output.glob("*.parquet"))]
    assert [n for ids in parts for n in ids] == list(range(ROWS))


def main(work: Path, encoder: str, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    inputs = write_corpus(work, ROWS)
    asked = {
        "model": encoder, "inputs": inputs, "readouts": ["mean@-1", "cls@-2|l2"],
        "id_column": "name", "keep": ["stars"], "part_rows": PART_ROWS,
    }  # fmt: skip
    first = JobProcess(work / "said.txt", {**asked, "output": work / "whole"})
    assert first.wait() == 0, (work / "said.txt").read_text()
    check_rows(work / "whole")
    whole = files_of(work / "whole")
    done, number = 0, 0
    while done < kills:
        kind = [*KINDS][number % len(KINDS)]
        output = work / f"job-{number}"
        job = KilledJob(kind, work, {**asked, "output": output}, draw)
        job.run(whole, min(kills - done, max(kills // len(KINDS), 3)))
        left = files_of(output)
        assert left == whole, f"{kind}: {left.keys() ^ whole.keys()} differ"
        check_rows(output)
        inside = sum(bool(run.at_work()) for run in job.runs)
        told = {"kind": kind, "kills": job.kills, "inside": inside, "redone": job.redone()}
        print(json.dumps(told | {"runs": len(job.runs)}), flush=True)
        done += job.kills.total()
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
