"""What an error advises can be done: the options that it names are the command's own."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import poolwise
from poolwise.cli import COMMANDS
from poolwise.texts import open_labels

ROOM = Path(poolwise.__file__).parent / "texts"

READS = {
    "columns.py": {"doctor", "embed", "predict", "export", "ask", "sweep", "tune"},
    "decoding.py": {"embed", "predict", "export", "ask", "sweep", "tune"},
    "labels.py": {"ask", "doctor", "sweep", "tune"},
    "limits.py": {"embed", "predict", "export", "ask", "sweep", "tune"},
    "pairs.py": {"ask", "doctor", "sweep"},
}
"""The commands that a file's errors reach."""


def options(command: str) -> set[str]:
    found = import_module(f"poolwise.cli.{command}").command
    return {name for parameter in found.params for name in parameter.opts}


def test_every_option_that_a_message_names_exists_on_every_command_that_says_it():
    named = {
        path.name: set(re.findall(r"(?<![\\w-])--[a-z][a-z-]+", path.read_text()))
        for path in ROOM.glob("*.py")
    }
    assert {name for name, found in named.items() if found} == set(READS)
    for name, commands in READS.items():
        for command in commands:
            assert named[name] <= options(command), (name, command)
    assert READS["labels.py"] == {name for name in COMMANDS if "--labels" in options(name)}
    limited = {name for name in COMMANDS if "--max-text-bytes" in options(name)}
    assert READS["limits.py"] == limited
    assert READS["pairs.py"] == {name for name in COMMANDS if "--pairs" in options(name)}
    assert READS["columns.py"] == {name for name in COMMANDS if "--column" in options(name)}


def test_the_column_of_texts_beside_labels(run, tiny, tmp_path):
    labels, texts = tmp_path / "labels.csv", tmp_path / "texts.csv"
    labels.write_text("body,label\n" + "".join(f"a cat {n},{'xy'[n % 2]}\n" for n in range(80)))
    texts.write_text("body,n\n" + "".join(f"a dog {n},{n}\n" for n in range(300)))
    args = ["ask", "average", tiny("bert"), "--labels", labels, "--texts", texts]
    code, _, err = run(*args)
    assert code == 4
    assert "texts.csv holds the texts? Name one with --column: 'body', 'n'" in err
    assert run(*args, "--column", "body")[0] == 0


def test_reproduce_names_no_options(tmp_path):
    from poolwise.reproduction.figures import _attempt

    (tmp_path / "a.csv").write_text("a,b,c\n1,2,3\n")
    _, said = _attempt(lambda: len(open_labels(str(tmp_path / "a.csv"))))
    assert "cannot tell which column holds the texts" in said
    assert "--" not in said
