"""The command line, called as a shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
