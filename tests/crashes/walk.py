"""The crash-point walk: ``python walk.py WORK [POINTS [SEED]]`` prints a JSON line a walk.

Each command runs once whole; then it is killed before and after each step that changes the disk
(or at so many POINTS of them, drawn with SEED), in a process forked from this one. What lies under
its name must be absent, the earlier result or the new one; then the command runs again, must end
well, and must leave what a run that was never killed leaves, and nothing else.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from commands import CASES, Case
from points import Points
from recorded import record

from poolwise.tuning.early_stopping import SAVED_EVERY_S  # noqa: F401 - imported before the fork

FRESH, OVER = "fresh", "over"


class Walk:
    """One command, where nothing lies in its place, or an earlier result."""

    def __init__(self, case: Case, start: str, work: Path) -> None:
        self.case, self.start, self.work = case, start, work
        self.place = work / "places" / f"{case.name}-{start}"
        self.target = self.place / case.out
        self.before = work / "before" / f"{case.name}-{start}"
        self.failures: list[str] = []
        self.steps: list[str] = []

    def prepare(self) -> None:
        self.before.mkdir(parents=True)
        self._restore()
        if self.start == OVER:
            self._must(self._child("old", None), "the first run")
        self.old = self.case.read(self.target)
        shutil.rmtree(self.before)
        shutil.copytree(self.place, self.before)
        self._must(self._child("new", None), "the second run")
        self.new = self.case.read(self.target)
        self.names = self._names()
        assert self.new is not None
        assert self.new != self.old
        self.steps = json.loads((self.work / "steps.json").read_text())

    def points(self, most: int | None, draw: random.Random) -> list[tuple[int, bool]]:
        every = [(number, done) for number in range(len(self.steps)) for done in (False, True)]
        return every if most is None or most >= len(every) else sorted(draw.sample(every, most))

    def kill_at(self, point: tuple[int, bool]) -> None:
        where = f"{'after' if point[1] else 'before'} {self.steps[point[0]]}"
        try:
            self._restore()
            status = self._child("new", point)
            assert status == -signal.SIGKILL, f"ended with {status}"
            found = self.case.read(self.target)
            assert self.case.allowed(found, self.old, self.new), f"found {found!r}"
            if not (self.case.once and self.target.exists()):
                self._must(self._child("new", None), "the run after it")
            assert self.case.read(self.target) == self.new, "another result"
            assert self._names() == self.names, f"left {self._names() ^ self.names}"
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.failures.append(f"{where}: {error!r} ({last.name}:{last.lineno})")

    def _restore(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.before, self.place)

    def _names(self) -> set[str]:
        return {path.relative_to(self.place).as_posix() for path in self.place.rglob("*")}

    def _must(self, status: int, what: str) -> None:
        said = (self.work / "said.txt").read_text(errors="replace")[-600:]
        assert status == 0, f"{what} ended with {status}: {said}"

    def _child(self, which: str, fatal: tuple[int, bool] | None) -> int:
        """The exit code, or minus the signal."""
        force = self.target.exists()
        pid = os.fork()
        if pid == 0:
            code = 99
            try:
                code = self._run(which, fatal, force)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _run(self, which: str, fatal: tuple[int, bool] | None, force: bool) -> int:
        said = os.open(self.work / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        points = Points(self.place, fatal)
        code = self.case.run(self.work, self.target, which, force=force)
        (self.work / "steps.json").write_text(json.dumps(points.seen))
        return code


def main(work: Path, most: int | None, seed: int, names: list[str]) -> None:
    torch.set_num_threads(1)
    record()
    draw = random.Random(seed)
    for case in CASES:
        if names and case.name not in names:
            continue
        _warm(case, work)
        for start in (FRESH,) if case.once else (FRESH, OVER):
            walk = Walk(case, start, work)
            walk.prepare()
            points = walk.points(most, draw)
            for point in points:
                walk.kill_at(point)
            told: dict[str, Any] = {"command": case.name, "start": start, "points": len(points)}
            told |= {"steps": len(walk.steps), "failures": walk.failures}
            print(json.dumps(told), flush=True)


def _warm(case: Case, work: Path) -> None:
    """All that is imported and computed once; a forked process finds it done."""
    place = work / "warm" / case.name
    place.mkdir(parents=True)
    with open(os.devnull, "w") as nothing:  # noqa: PTH123
        shown, sys.stdout = sys.stdout, nothing
        try:
            for which in ("old", "new"):
                if getattr(case, which):
                    target = place / case.out
                    code = case.run(work, target, which, force=target.exists())
                    assert code == 0, f"{case.name} ended with {code}"
        finally:
            sys.stdout = shown
    case.read(place / case.out)


if __name__ == "__main__":
    asked = sys.argv[2] if len(sys.argv) > 2 else "all"
    main(
        Path(sys.argv[1]),
        None if asked == "all" else int(asked),
        int(sys.argv[3]) if len(sys.argv) > 3 else 0,
        sys.argv[4:],
    )
