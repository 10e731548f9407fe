"""The command line, called as a shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from poolwise.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``poolwise ARGS``; gives exit code, stdout, stderr."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["poolwise", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.fixture
def undrawn(monkeypatch):
    """Images of charts are written without being drawn, for tests of what else a report says."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg' />"
    monkeypatch.setattr("vl_convert.vegalite_to_svg", lambda *_, **__: svg)
    monkeypatch.setattr("vl_convert.svg_to_png", lambda *_, **__: b"an image")


@pytest.fixture
def few_steps(monkeypatch):
    """Trainings by the command line pass over their rows once an epoch."""
    from poolwise.tuning.records import TrainingOptions

    few = partial(TrainingOptions, steps=0)
    for module in ("poolwise.cli.tune", "poolwise.tuning.study"):
        monkeypatch.setattr(f"{module}.TrainingOptions", few)


@pytest.fixture(scope="session")
def forked():
    """Run ``poolwise ARGS`` in a child that is handed descriptors, limits and rights; see forks.py.

    Gives a dict: ``code``, ``out``, ``err``, what is ``left`` in the folder ``out``, ``cpu``
    seconds.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("descriptors, limits and mounts are those of Linux")
    forks = Path(__file__).with_name("forks.py")
    known = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", forks],
        env={name: known[name] for name in known if name != "PYTHONIOENCODING"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def call(argv, *, cwd, out, **fault):
            usual = {"env": {}, "unset": (), "limits": {}, "streams": {}, "mount": None}
            usual |= {"no_rights": False, "gone": False}
            told = {"argv": argv, "cwd": str(cwd), "out": str(out), **usual, **fault}
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()
