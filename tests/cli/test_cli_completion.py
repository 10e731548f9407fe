"""Words that a shell completes: commands, options, choices, files, models, readouts."""

from __future__ import annotations

import sys

import click
import pytest
from click.shell_completion import BashComplete

from poolwise import parse
from poolwise.cli import COMMANDS, poolwise
from poolwise.cli.completion import Files
from poolwise.errors import ReadoutError
from poolwise.readouts import POOLS


def completed(*words):
    """The type and value of each completion of the last word."""
    *args, incomplete = words
    shell = BashComplete(poolwise, {}, "poolwise", "_POOLWISE_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions(list(args), incomplete)]


def plain(*words):
    return [value for kind, value in completed(*words) if kind == "plain"]


def test_commands_without_importing_them(monkeypatch):
    for name in ("search", "sweep", "serve"):
        monkeypatch.delitem(sys.modules, f"poolwise.cli.{name}", raising=False)
    assert plain("") == [*COMMANDS]
    assert plain("s") == ["search", "sweep", "serve"]
    assert "poolwise.cli.sweep" not in sys.modules
    assert plain("--ver") == ["--version", "--verbose"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("layers --j", ["--json"]),
        ("ask le", ["length"]),
        ("ask length demo --te", ["--test", "--texts"]),
        ("embed demo a.csv --precision ", ["exact", "near", "fast"]),
        ("sweep demo --grid f", ["full"]),
        ("embed demo a.csv -r po", ["pooler"]),
        ("inspect demo cat -r meanm", ["meanmax@-1"]),
        ("export demo --readout wm", ["wmean@-1"]),
        ("embed demo a.csv -r mean@-1 --forc", ["--force"]),
        ("embed demo a.csv -r mean @ -1 --forc", ["--force"]),  # as bash divides it
    ],
)
def test_options_choices_and_readouts(words, expected):
    assert sorted(plain(*words.split(" "))) == sorted(expected)


@pytest.mark.parametrize(
    "words",
    [
        "embed demo re",
        "embed demo a.csv -o re",
        "embed demo a.csv -r re",
        "sweep demo --labels re",
        "ask length demo --texts re",
        "search re",
        "serve demo --config re",
        "export demo --fit re",
    ],
)
def test_files(words):
    assert completed(*words.split(" ")) == [("file", "re")]


def test_a_model_is_a_folder_or_the_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completed("layers", "de") == completed("layers", "") == [("plain", "demo")]
    (tmp_path / "demography").touch()
    assert completed("sweep", "demo", "de") == [("plain", "demo")]
    (tmp_path / "depth").mkdir()
    assert completed("layers", "de") == [("dir", "de")]
    assert completed("layers", "/ab") == [("dir", "/ab")]


def test_every_readout_offered_can_be_read():
    offered = plain("embed", "demo", "a.csv", "-r", "")
    assert len(offered) == len(POOLS) - 1
    for readout in offered:
        assert str(parse(readout)) == readout
    with pytest.raises(ReadoutError):  # its position is lacking
        parse("token@-1")


def test_a_command_that_runs_has_types_of_its_own():
    with click.Context(poolwise) as context:
        command = poolwise.get_command(context, "search")
    assert command is not None
    assert completed("search", "re") == [("file", "re")]
    assert not any(isinstance(parameter.type, Files) for parameter in command.params)
