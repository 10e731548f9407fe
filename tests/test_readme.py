"""What the README shows is run, in the order shown."""

from __future__ import annotations

import doctest
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import poolwise

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = re.findall(r"^(poolwise .*?)(?:  +#.*)?$", README, re.MULTILINE)


def test_it_is_short():
    assert len(README.splitlines()) < 150


@pytest.fixture(scope="module")
def folder(demo, tmp_path_factory):
    """Where the README's Python has run, on the questions of two of the 77 intents."""
    path = tmp_path_factory.mktemp("readme")
    (path / "examples").mkdir()
    head, *rows = (ROOT / "examples/banking77.csv").read_text(encoding="utf-8").splitlines(True)
    few = [row for row in rows if row.rstrip().endswith((",card_arrival", ",top_up_failed"))]
    (path / "examples/banking77.csv").write_text("".join([head, *few[::2]]), encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {"__name__": "readme"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        exec(compile(code, "README.md", "exec"), names)
    assert names["vectors"].shape == (1, 384)
    (path / "sweep").mkdir()
    names["result"].best.save(path / "sweep/readout.toml")
    return path


def test_its_readouts_are_readouts():
    paragraph = README.partition("`mean@-1|l2` is a *readout*")[2].partition("\n\n")[0]
    readouts = [text for text in re.findall("`([^`]+)`", paragraph) if "@" in text]
    assert len(readouts) == 3
    for readout in readouts:
        assert str(poolwise.parse(readout)) == readout


def test_it_shows_the_main_commands():
    assert [line.split()[1] for line in LINES] == ["sweep", "embed", "export", "serve", "doctor"]


@pytest.mark.parametrize("line", LINES)
def test_its_commands_have_these_options(line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    name, *words = shlex.split(line)[1:]
    assert import_module(f"poolwise.cli.{name}").command.make_context(name, words).params


def test_its_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_docstring_of_the_package(demo):
    assert doctest.testmod(poolwise).failed == 0
