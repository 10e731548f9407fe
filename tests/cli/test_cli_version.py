"""poolwise --version, alone and with all that a report of a bug needs; poolwise alone."""

from __future__ import annotations

import json

import poolwise
from poolwise.json_values import to_plain


def test_version(run):
    assert run("--version") == (0, f"poolwise, version {poolwise.__version__}\n", "")
    code, out, err = run("--version", "--json")
    assert (code, json.loads(out), err) == (0, {"poolwise": poolwise.__version__}, "")


def test_verbose_shows_the_environment(run):
    found = poolwise.environment()
    for order in (("--version", "--verbose"), ("--verbose", "--version")):
        code, out, err = run(*order)
        assert (code, err) == (0, "")
        rows = [(line[:22].strip(), line[23:]) for line in out.splitlines()]
        assert rows == [*found.rows()]
    code, out, _ = run("--json", "--version", "--verbose")
    assert (code, json.loads(out)) == (0, to_plain(found))


def test_both_options_stand_beside_version_only(run):
    for words in (["--verbose"], ["--json", "layers", "demo"], ["--verbose", "layers", "demo"]):
        code, _, err = run(*words)
        assert code == 2
        assert "beside --version only" in err


def test_poolwise_alone_shows_its_help(run):
    code, out, err = run()
    assert code in (0, 2)  # as click has it: 2 since its 8.2
    assert "\n  embed " in out + err
    assert "\\n" not in out + err
