"""Where a command writes is looked at before anything is read or computed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

COMMANDS = {
    "sweep": ("sweep", "MODEL", "--pairs", "DATA", "-o", "OUT"),
    "ask": ("ask", "similarity", "MODEL", "--pairs", "DATA", "-o", "OUT"),
    "ask recover": ("ask", "recover", "MODEL", "--texts", "DATA", "-o", "OUT"),
    "ask tuned": ("ask", "tuned", "MODEL", "--labels", "DATA", "-o", "OUT"),
    "reproduce": ("reproduce", "sts-bert", "--data", "PLACE", "--model", "MODEL", "-o", "OUT"),
    "tune": ("tune", "MODEL", "--labels", "DATA", "-o", "OUT"),
    "inspect": ("inspect", "MODEL", "a cat", "--html", "OUT"),
}
"""MODEL and DATA are not there: whoever reads them fails otherwise."""

FILES = ("inspect",)


@pytest.fixture
def attempt(run, tmp_path):
    def attempt(command, out, *more):
        names = {"MODEL": tmp_path / "none", "DATA": tmp_path / "none.csv", "OUT": out}
        names["PLACE"] = tmp_path
        return run(*(names.get(arg, arg) for arg in COMMANDS[command]), *more)

    return attempt


@pytest.mark.parametrize("command", COMMANDS)
def test_what_stands_there_is_said_first(attempt, tmp_path, command):
    out = tmp_path / "out"
    if command in FILES:
        out.write_text("precious")
        says = f"{out} exists; choose another name, or --force"
    else:
        out.mkdir()
        (out / "report.html").write_text("precious")
        says = "holds another report" if command == "tune" or " " in command else "is not empty"
    code, _, stderr = attempt(command, out)
    assert code == 5, stderr
    assert says in stderr
    held = out if command in FILES else out / "report.html"
    assert held.read_text() == "precious"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_said_first(attempt, tmp_path, monkeypatch, command):
    """As root, too, whom no permission stops."""

    def refusing(call):
        def refused(path, *args, **kw):
            if str(path).startswith(str(tmp_path)):
                raise PermissionError(13, "Permission denied")
            return call(path, *args, **kw)

        return refused

    monkeypatch.setattr(os, "mkdir", refusing(os.mkdir))
    monkeypatch.setattr(Path, "open", refusing(Path.open))
    code, _, stderr = attempt(command, tmp_path / "out")
    monkeypatch.undo()
    assert code == 5, stderr
    assert "out cannot be written: Permission denied" in " ".join(stderr.split())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_fails_later_leaves_nothing(attempt, tmp_path, command):
    code, _, stderr = attempt(command, tmp_path / "new" / "out" if command not in FILES else
                              tmp_path / "out")  # fmt: skip
    if command == "reproduce":  # without data no model is read
        assert code == 0, stderr
        return
    assert code in (3, 4), stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", ["sweep", "ask", "reproduce"])
def test_force_never_removes_other_files(attempt, tmp_path, command):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    code, _, stderr = attempt(command, out, "--force")
    assert code == 5
    assert "holds thesis.tex, which is no part of a report" in stderr


def test_force_replaces_a_page_and_a_report(run, tiny, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    assert run("inspect", tiny("bert"), "a cat", "--html", page, "--force")[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    args = ("reproduce", "sts-bert", "--data", tmp_path, "--model", tiny("bert"), "-o")
    out = tmp_path / "out"
    assert run(*args, out)[0] == 0
    assert run(*args, out)[0] == 5
    assert run(*args, out, "--force")[0] == 0
