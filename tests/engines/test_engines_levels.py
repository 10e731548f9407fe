"""POOLWISE_NATIVE_LEVELS: every level alone, and none, from a shell to the vectors."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from poolwise.engines import native_engine
from poolwise.engines.native_engine import LEVELS_VARIABLE, levels
from poolwise.errors import OptionError

pytestmark = pytest.mark.skipif(not levels(), reason="the native engine does not run here")

TEXTS = ["How do I lock my card?", "no", "It is a truth universally acknowledged."]


@pytest.fixture
def allowed(monkeypatch):
    """The levels when the variable has a value, as a process of its own would have them."""

    def allowed(value):
        monkeypatch.setenv(LEVELS_VARIABLE, value)
        return native_engine.levels.__wrapped__()

    return allowed


def test_the_variable_narrows_the_levels_and_keeps_their_order(allowed, monkeypatch):
    monkeypatch.delenv(LEVELS_VARIABLE, raising=False)
    existing = native_engine.levels.__wrapped__()
    assert existing[-1] == "portable"
    assert allowed(" portable , " + existing[0]) == tuple(dict.fromkeys([existing[0], "portable"]))
    assert allowed("") == ()
    with pytest.raises(OptionError, match=r"names avx9; this machine has .*portable"):
        allowed("avx9,portable")


@pytest.mark.parametrize("level", [*levels(), ""])
def test_the_command_line_passes_with_each_level_alone_and_with_none(level, demo, tmp_path):
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS))
    command = [sys.executable, "-m", "poolwise", "embed", "demo", "lines.txt", "-o", "vectors.npy"]
    done = subprocess.run(
        [*command, "--readout", "mean@-1"],
        env={**os.environ, LEVELS_VARIABLE: level},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("switches the native engine off" in done.stderr) == (level == "")
    expected = demo.embed(TEXTS, "mean@-1")
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), expected, atol=1e-5, rtol=0)


def test_an_unknown_level_is_a_mistake_of_the_command_line(tmp_path):
    (tmp_path / "lines.txt").write_text("no")
    command = "-m poolwise embed demo lines.txt -o vectors.npy --readout mean@-1".split()
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, LEVELS_VARIABLE: "avx9"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{LEVELS_VARIABLE} names avx9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_is_answered_by_the_last_resort(tmp_path):
    rows = [f"the {'old ' * (n % 7)}cat sat on mat number {n}" for n in range(40)]
    (tmp_path / "lines.txt").write_text("\n".join(rows))
    command = "-m poolwise ask length demo --texts lines.txt -o report".split()
    subprocess.run(
        [sys.executable, *command],
        env={**os.environ, LEVELS_VARIABLE: "portable"},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert list((tmp_path / "report").iterdir())
