"""Optional parts that are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import pytest

from poolwise.errors import MissingExtraError, TextError, listed, needs

WITHOUT_TORCH = "import sys; sys.modules['torch'] = sys.modules['transformers'] = None; "


def test_a_missing_part_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    said = pytest.raises(MissingExtraError, match=r"a thing needs .* 'poolwise\[torch\]'")
    with said, needs("torch", "a thing"):
        import_module("transformers")


def test_what_no_extra_brings_is_no_missing_extra():
    with pytest.raises(ModuleNotFoundError, match="nonsense"), needs("torch", "a thing"):
        import_module("nonsense_of_no_extra")


def test_an_encoder_that_the_transformers_engine_runs_says_what_it_needs(tiny):
    code = "import poolwise; poolwise.load(sys.argv[1]).embed(['cat'], 'mean@-1')"
    command = [sys.executable, "-c", WITHOUT_TORCH + code, str(tiny("bert", hidden_act="tanh"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert "MissingExtraError" in done.stderr
    assert "pip install 'poolwise[torch]'" in done.stderr


def test_a_few_of_many_names():
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(200_000)), repr, limit=2) == "'0', '1' and 199,998 more"
    assert listed(["x" * 61]) == "x" * 59 + "…"
    assert listed([]) == ""


def test_a_message_is_never_long():
    assert str(TextError("short")) == "short"
    message = str(TextError(f"found {'x' * 2_000_000}; do something else"))
    assert len(message) < 2000
    assert message.startswith("found x")
    assert "… (1,998,225 characters) …" in message
    assert message.endswith("xx; do something else")
