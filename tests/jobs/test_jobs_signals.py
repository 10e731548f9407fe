"""SIGTERM, Ctrl-C and SIGKILL to ``poolwise embed … -o OUT/``: it ends in time, and leaves no
process and nothing half-written; --resume makes the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

GENEROUS_S = 60
END_S = 30
"""Promised are 10, on a machine that is not busy."""


def in_group(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, fields = path.read_text().rpartition(") ")
        except OSError:
            continue
        state, _, its_group = fields.split()[:3]
        if int(its_group) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_until(true, what: str) -> None:
    deadline = time.monotonic() + GENEROUS_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("name", "workers", "group"),
    [
        ("SIGTERM", 0, False),
        ("SIGTERM", 2, False),
        ("SIGTERM", 2, True),
        ("SIGINT", 2, True),
        ("SIGKILL", 2, False),
    ],
)
def test_a_signal_ends_a_job_and_all_its_processes(small_corpus, tmp_path, name, workers, group):
    number = getattr(signal, name)
    output = tmp_path / "out"
    options = ["--workers", str(workers)] if workers else []
    with subprocess.Popen(
        [sys.executable, "-m", "poolwise", *small_corpus.command(output, *options)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            begun = output / "part-00001.parquet"
            wait_until(lambda: begun.exists() or running.poll() is not None, "no part")
            assert running.poll() is None, running.stderr.read()
            sent = time.monotonic()
            (os.killpg if group else os.kill)(running.pid, number)
            code = running.wait(GENEROUS_S)
            wait_until(lambda: not in_group(running.pid), "its processes live on")
            assert time.monotonic() - sent < END_S
        finally:
            if in_group(running.pid):
                os.killpg(running.pid, signal.SIGKILL)
        said = running.stderr.read()
    assert code == (-number if name == "SIGKILL" else 128 + number)
    assert len(said.strip().splitlines()) == (0 if name == "SIGKILL" else 1), said
    left = small_corpus.files(output)
    assert len(left) < len(small_corpus.whole), "it was done before the signal came"
    hidden = [path for path in left if path.rpartition("/")[2].startswith(".")]
    assert not hidden or name == "SIGKILL"
    assert all(small_corpus.whole[path] == left[path] for path in left if path not in hidden)
    assert small_corpus.embed(output, resume=True).complete
    assert small_corpus.files(output) == small_corpus.whole


def test_a_worker_that_reports_to_nobody_ends_without_a_word():
    """Where a report is sent before the thread that watches has seen that the parent has ended."""
    code = """
import multiprocessing
from poolwise.jobs import workers

workers._end_with_parent = lambda pipe: None
workers.make_parts = lambda maker, parts, report, done: report("a part")
pipe, parents = multiprocessing.Pipe()
parents.close()
workers._work(pipe, None, [])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
