"""Jobs that are killed at random moments, run again and killed again: no row is lost or doubled.

``POOLWISE_KILLS`` kills are drawn by ``POOLWISE_KILL_SEED``: of a job's group, of its parent alone,
of a worker alone; with none, one and two workers, and with two jobs on one output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

KILLS = int(os.environ.get("POOLWISE_KILLS", "100"))
SEED = os.environ.get("POOLWISE_KILL_SEED", "0")


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and kills what it forked")
def test_whatever_is_killed_each_row_is_there_once_and_the_bytes_are_the_same(tiny, tmp_path):
    harness = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", harness, tmp_path, tiny("bert"), str(KILLS), SEED],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    jobs = [json.loads(line) for line in done.stdout.splitlines()]
    kills = sum((Counter(job["kills"]) for job in jobs), Counter())
    assert kills.total() == KILLS
    assert {*kills} == {"group", "parent", "worker"} or KILLS < 50
    assert sum(job["inside"] for job in jobs) >= KILLS // 2, "too few kills while parts were made"
