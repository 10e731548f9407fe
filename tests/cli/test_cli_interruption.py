"""Ctrl-C, SIGTERM and SIGHUP: a sentence, an exit code, and nothing left behind, in time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from poolwise.cli import embed
from poolwise.files import AtomicFile

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

SENTENCES = {
    "SIGINT": "interrupted; nothing half-written was left behind",
    "SIGTERM": "ended by SIGTERM; nothing half-written was left behind",
    "SIGHUP": "ended by SIGHUP; nothing half-written was left behind",
}

ELSEWHERE = """
import signal, sys, threading, time
from poolwise.__main__ import run
import poolwise.texts.files as files

def strike():  # the handler in C runs in this thread, so the main thread's read goes on
    time.sleep(1)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

more, taken = files._next_chunk, []

def and_then_wait(content):
    if files.HEAD + sum(taken) == len("a cat\\n") * 5000:  # what comes next never comes
        threading.Thread(target=strike, daemon=True).start()
    chunk = more(content)
    taken.append(len(chunk))
    return chunk

files._next_chunk = and_then_wait
run()
"""
"""A command that Python cannot see the signal of while it reads."""

STUCK = """
import os, signal, sys, threading, time
from pathlib import Path
from poolwise.__main__ import run
import poolwise.cli.embed as embed
from poolwise.files import AtomicFile

def load(*args, **options):
    output = AtomicFile(Path(sys.argv[-1]), False)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    threading.Timer(1, print, ["stuck"], {"flush": True}).start()
    while True:  # as in code that no signal reaches
        time.sleep(60)

embed.load = load
run()
"""


def begun(*command, **options):
    return subprocess.Popen(
        [sys.executable, *map(str, command)], stderr=subprocess.PIPE, text=True, **options
    )


@contextmanager
def embedding(model, out, *begin, **options):
    """A command that has read 5,000 lines, or is about to, and waits for more."""
    with begun(
        *(begin or ("-m", "poolwise")),
        *("embed", model, "-", "-o", out, "-r", "mean@-1"),
        stdin=subprocess.PIPE,
        **options,
    ) as running:
        running.stdin.write("a cat\n" * 5000)
        running.stdin.flush()
        yield running


def waiting(folder):
    deadline = time.monotonic() + 120
    while not list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(folder.iterdir()), "it has not begun to write"


@posix
@pytest.mark.parametrize("name", SENTENCES)
def test_each_signal_has_its_sentence_and_exit_code(tiny, tmp_path, name):
    number = getattr(signal, name)
    out = tmp_path / "v.parquet"
    with embedding(tiny("bert"), out) as running:
        waiting(tmp_path)
        running.send_signal(number)
        assert running.wait(60) == 128 + number
        assert running.stderr.read().strip() == f"poolwise: {SENTENCES[name]}"
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_signal_that_comes_just_before_a_blocking_read_is_not_lost(tiny, tmp_path):
    out = tmp_path / "v.parquet"
    with embedding(tiny("bert"), out, "-c", ELSEWHERE) as running:
        assert running.wait(60) == 130
        assert running.stderr.read().strip() == f"poolwise: {SENTENCES['SIGINT']}"
    assert list(tmp_path.iterdir()) == []


@posix
def test_code_that_no_signal_reaches_is_ended(tmp_path):
    with begun(
        "-c", STUCK, "embed", "none", __file__, "-o", tmp_path / "v.npy", stdout=subprocess.PIPE
    ) as running:
        assert running.stdout.readline() == "stuck\n"
        assert len(list(tmp_path.iterdir())) == 1
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 143
        assert time.monotonic() - began < 30
        assert running.stderr.read() == f"poolwise: {SENTENCES['SIGTERM']}\n"
    assert list(tmp_path.iterdir()) == []


def test_what_an_interruption_left_between_two_steps_is_removed(run, tmp_path, monkeypatch):
    """It came after the file was made, before anything would have removed it."""

    def interrupted(*_, **__):
        opened.append(AtomicFile(tmp_path / "v.npy", overwrite=False).file)
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(embed, "load", interrupted)
    code, _, err = run("embed", "none", __file__, "-o", tmp_path / "v.npy")
    opened[0].close()
    assert (code, err.strip()) == (130, f"poolwise: {SENTENCES['SIGINT']}")
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_signal_that_is_ignored_stays_so(tiny, tmp_path):
    """As ``nohup`` has it."""
    out = tmp_path / "v.npy"
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    with embedding(tiny("bert"), out, **ignoring) as running:
        waiting(tmp_path)
        running.send_signal(signal.SIGHUP)
        running.stdin.close()
        assert running.wait(60) == 0
    assert out.exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts processes in /proc")
@pytest.mark.parametrize("soon", [True, False], ids=["as they begin", "as they train"])
def test_ctrl_c_ends_tune_without_a_word_of_its_workers(tiny, tmp_path, soon):
    """A terminal sends it to them too, at whatever they are."""
    draw = random.Random(0)
    rows = [f"{draw.choice(['cat', 'dog'])} {i},{'ab'[i % 2]}" for i in range(400)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]))
    out = tmp_path / "out"
    with begun(
        *("-m", "poolwise", "tune", tiny("bert"), "--labels", tmp_path / "rows.csv", "-o", out),
        *("--workers", 2, "--epochs", 2),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and running.poll() is None:
            pids = children.read_text().split()
            if len(pids) >= 3 and (soon or [*out.glob("runs/*.json")]):  # with the tracker
                break
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(60) == 130
        assert running.stderr.read().strip() == f"poolwise: {SENTENCES['SIGINT']}"
