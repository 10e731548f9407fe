"""The command line, called as a shell would."""

from __future__ import annotations

import sys

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
