"""What the README shows is run, in the order shown."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import poolwise
from poolwise.readouts import POOLS, parse

README = Path(__file__).parent.parent / "README.md"


def test_the_python_in_the_readme_runs(demo, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) >= 4
    exec(compile("\n".join(code), str(README), "exec"), {"__name__": "readme"})
    assert "cls@-1" in capsys.readouterr().out


def test_the_readouts_in_the_readme_are_readouts():
    table = README.read_text(encoding="utf-8").split("| readout | reads |")[1].split("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    specs = [s.replace(r"\|", "|") for cell in cells for s in re.findall("`([^`]+)`", cell)]
    whole = [s for s in specs if "@" in s or s == "pooler"]
    assert len(whole) >= len(POOLS)
    for spec in whole:
        assert str(parse(spec)) == spec


def test_the_docstring_of_the_package(demo):
    assert doctest.testmod(poolwise).failed == 0
