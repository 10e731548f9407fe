"""A worker that dies: its part is made by another; one that kills each of them is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills, and reads /proc")

DEADLY_PART = """
import os, signal, sys
from poolwise.__main__ import run
from poolwise.jobs import part_maker

compute = part_maker.window_vectors

def deadly(extraction, rows):
    if any(row.sentence.id == 500 for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(extraction, rows)

part_maker.window_vectors = deadly
if __name__ == "__main__":
    run()
"""
"""A main program that each worker imports, as it does a user's own."""


def command(program, small_corpus, output, *options):
    return subprocess.run(
        [sys.executable, *program, *small_corpus.command(output, *options)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_part_that_kills_every_worker_is_named_and_the_others_stay(small_corpus, tmp_path):
    program, output = tmp_path / "deadly.py", tmp_path / "out"
    program.write_text(DEADLY_PART)
    done = command([program], small_corpus, output, "--workers", "1")
    assert done.returncode == 1
    assert "3 worker processes have ended over part 12 (" in done.stderr
    assert "SIGKILL" in done.stderr
    assert "Traceback" not in done.stderr
    left = small_corpus.files(output)
    parts = [name for name in left if name.startswith("part-")]
    assert parts == [f"part-{number:05}.parquet" for number in range(12)]
    assert all(small_corpus.whole[name] == left[name] for name in parts)
    assert small_corpus.embed(output, resume=True).made_rows == 1200 - 480
    assert small_corpus.files(output) == small_corpus.whole


def test_the_part_of_a_killed_worker_is_made_by_another(small_corpus, tmp_path, monkeypatch):
    """Killed as soon as it has said which part it begins."""
    from poolwise.jobs.workers import Worker

    killed = []
    receive = Worker.receive

    def receive_and_kill(worker, report):
        living = receive(worker, report)
        if living and worker.progress.part == 7 and not killed:
            os.kill(worker.process.pid, signal.SIGKILL)
            killed.append(worker.process.pid)
        return living

    monkeypatch.setattr(Worker, "receive", receive_and_kill)
    result = small_corpus.embed(tmp_path / "out", workers=1)
    assert len(killed) == 1
    assert result.complete
    assert small_corpus.files(tmp_path / "out") == small_corpus.whole
