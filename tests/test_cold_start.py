"""What a process pays before its first vector: which libraries it loads, how long it takes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = """torch transformers pyarrow scipy altair rich pandas huggingface_hub jinja2 vl_convert
    datasets sentencex threadpoolctl click sklearn subprocess""".split()

X86 = platform.machine() in ("x86_64", "AMD64") and sys.platform == "linux"


def run(code: str, *arguments: str) -> str:
    """What a fresh interpreter, which may keep its bytecode, prints."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=env
    ).stdout.strip()


def loaded(code: str, heavy: list[str], *arguments: str) -> list[str]:
    code = f"import sys; before = {{*sys.modules}}\n{code}"
    after = f"{code}\nprint(*[m for m in {heavy!r} if m in {{*sys.modules}} - before])"
    return run(after, *arguments).split()


def test_import_is_light():
    assert loaded("import poolwise", [*HEAVY, "numpy", "tokenizers", "safetensors"]) == []


def test_an_encoder_is_loaded_without_what_only_others_need(tiny):
    code = "import poolwise; poolwise.load(sys.argv[1]).tokenize(['the cat'])"
    assert loaded(code, HEAVY, str(tiny("bert"))) == []


def test_the_command_line_begins_without_what_only_reports_need():
    code = "import poolwise.cli, poolwise.cli.embed"
    heavy = "torch transformers pyarrow scipy altair jinja2 huggingface_hub datasets".split()
    assert loaded(code, heavy) == []


@pytest.mark.skipif(not X86, reason="the native engine is for x86-64")
def test_the_native_engine_is_built_and_needs_no_torch(tiny):
    assert find_spec("poolwise._native") is not None, "no extension: install with a C++ compiler"
    code = "import poolwise; poolwise.load(sys.argv[1]).embed(['the cat'], 'mean@-1')"
    assert loaded(code, HEAVY, str(tiny("bert"))) == []


def test_import_takes_a_moment():
    code = (
        "from time import process_time as now; a = now(); import poolwise; b = now(); print(b - a)"
    )
    assert min(float(run(code)) for _ in range(3)) < 0.3


def test_an_encoder_is_ready_soon(demo):
    """Time of the processor, which a busy machine stretches little, from the process's start."""
    code = (
        "import sys, time, poolwise; poolwise.load(sys.argv[1]).tokenize(['a cat']); "
        "print(time.process_time())"
    )
    assert min(float(run(code, str(demo.folder))) for _ in range(3)) < 0.8
