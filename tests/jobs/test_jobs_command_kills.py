"""``poolwise embed … -o OUT/ --resume``, the command itself, killed at random with all its
workers, and run again until it is done. ``POOLWISE_COMMAND_KILLS`` says how often."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

KILLS = int(os.environ.get("POOLWISE_COMMAND_KILLS", "2"))
SEED = int(os.environ.get("POOLWISE_KILL_SEED", "0"))


@pytest.mark.skipif(sys.platform != "linux", reason="kills process groups")
def test_the_command_killed_again_and_again(small_corpus, tmp_path):
    draw = random.Random(SEED)
    kills = jobs = 0
    while kills < KILLS or not jobs:
        output = tmp_path / f"out{jobs}"
        workers = draw.choice([[], ["--workers", "1"], ["--workers", "2"]])
        command = small_corpus.command(output, "--resume", *workers)
        done = False
        while not done:
            with subprocess.Popen(
                [sys.executable, "-m", "poolwise", *command],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as running:
                if kills < KILLS:
                    wait_for_more_parts(output, running, draw)
                    kills += running.poll() is None
                    os.killpg(running.pid, signal.SIGKILL)
                _, said = running.communicate()
            done = running.returncode == 0
            assert done or running.returncode == -signal.SIGKILL, said
            for part in output.glob("part-*.parquet"):
                pq.read_table(part)
        files = small_corpus.files(output)
        assert files.keys() == small_corpus.whole.keys()
        assert [name for name in files if files[name] != small_corpus.whole[name]] == []
        jobs += 1


def wait_for_more_parts(output, running, draw):
    """Until the command has made some more parts, and a little; or until it has ended."""
    wanted = len(list(output.glob("part-*.parquet"))) + draw.choice([0, 0, 1, 2, 5, 10])
    while len(list(output.glob("part-*.parquet"))) < wanted and running.poll() is None:
        time.sleep(0.002)
    time.sleep(draw.choice([0, draw.uniform(0, 0.02), draw.uniform(0, 2)]))
