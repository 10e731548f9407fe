"""Worker processes: interrupted, killed, in error."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

import poolwise
from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.errors import ReadoutError, StudyError
from poolwise.tuning import workers
from poolwise.tuning.records import TrainingOptions, TrainingRun
from poolwise.tuning.run_store import RunStore, fingerprint
from poolwise.tuning.schedule import Schedule
from poolwise.tuning.task import TuningTask

OPTIONS = TrainingOptions(epochs=1, batch_size=8, rates=(3e-3, 1e-3), steps=0)


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def task(animals):
    return TuningTask(animals(), "classification", 0)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import conftest, poolwise
from poolwise.tuning.task import TuningTask

if __name__ == "__main__":
    model = poolwise.load({folder!r})
    task = TuningTask(conftest.told_of_animals(), "classification", 0)
    conftest.compare(model, task, folder=Path({output!r}), workers=2)
"""


def new_store(model, task, folder):
    return RunStore(folder, fingerprint(model, task), OPTIONS, 16)


class Ended:
    """A process that has ended."""

    def __init__(self, exitcode):
        self.exitcode = exitcode

    def join(self):
        pass


def dead_worker(pipe, store, exitcode):
    worker = workers.Worker.__new__(workers.Worker)
    worker.pipe, worker.process = pipe, Ended(exitcode)
    worker._store, worker._max_length = store, 64
    return worker


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(happened):
    until = time.monotonic() + 600
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts processes in /proc")
def test_two_workers_killed_and_gone_on(model, task, tiny, tmp_path, compare, facts, files):
    """No process outlives its parent; what has ended stays; one process gives the same as two."""
    script, output = tmp_path / "compare.py", tmp_path / "out"
    here = str(Path(__file__).parent)
    script.write_text(SCRIPT.format(tests=here, folder=str(tiny("bert")), output=str(output)))
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True) as parent:
        wait_for(lambda: [*output.glob("runs/*.json")] or parent.poll() is not None)
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.kill()
        said = parent.stderr.read()
    assert len(children) >= 2
    assert "Traceback" not in said
    wait_for(lambda: not any(map(alive, children)))
    before = files(output)
    assert 1 <= len(before) < 8
    found = compare(model, task, folder=output)
    assert before.items() <= files(output).items()
    assert facts(found.results) == facts(compare(model, task).results)


def test_ctrl_c_ends_the_workers(model, task, tmp_path, monkeypatch):
    setup = workers.WorkerSetup(model, task, new_store(model, task, tmp_path), 1)
    schedule = Schedule(["a", "b"], [10], 3, [1e-4], cost=lambda run: run.n)
    first = iter([schedule.next()])

    def interrupted():
        for run in first:
            return run
        raise KeyboardInterrupt

    monkeypatch.setattr(schedule, "next", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.train_in_workers(schedule, setup, 2, lambda _: None)
    assert not [p for p in multiprocessing.active_children() if p.daemon]


def test_an_error_in_a_worker_is_raised_here(model, task, tmp_path):
    setup = workers.WorkerSetup(model, task, new_store(model, task, tmp_path), 1)
    pipe, child_pipe = workers.get_context("spawn").Pipe()
    pipe.send(TrainingRun("mean@9", 16, 0, 1e-3))
    before = signal.getsignal(signal.SIGINT)
    workers._work(child_pipe, setup, nullcontext())
    signal.signal(signal.SIGINT, before)
    worker = dead_worker(pipe, setup.store, 0)
    with pytest.raises(ReadoutError, match="mean@9"):
        worker.receive()
    pipe.close()
    child_pipe.close()


@pytest.mark.parametrize(
    ("exitcode", "words"),
    [
        (-signal.SIGKILL, "out of memory with 8 texts .* 64 tokens: try --batch-size 4; .* kept"),
        (1, "ended with exit code 1; .* if __name__"),
    ],
)
def test_a_worker_that_dies(model, task, tmp_path, exitcode, words):
    pipe, child_pipe = workers.get_context("spawn").Pipe()
    child_pipe.close()
    worker = dead_worker(pipe, new_store(model, task, tmp_path), exitcode)
    with pytest.raises(StudyError, match=words):
        worker.receive()
    worker.pipe.close()


def test_workers_train_the_model_that_they_are_given(model, task, tmp_path, compare, facts):
    """Not what its folder holds: other weights, and a prompt in front of every text."""
    other = reinitialize(model, 1).prompted("the cat: ")
    two = compare(other, task, ["mean@-1"], workers=2)
    assert facts(two.results) == facts(compare(other, task, ["mean@-1"]).results)
    assert facts(two.results) != facts(compare(model, task, ["mean@-1"]).results)
