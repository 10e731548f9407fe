"""Compiles the kernels' own tests with sanitizers and runs them; see kernels.cpp."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "native"
PLAIN = ["matrix", "encoder", "team", "walk", "cpu", "kernels_portable"]
AVX512 = "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c".split()
LEVELS = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avxvnni": ["-mavx2", "-mfma", "-mavxvnni"],
    "avx512": AVX512,
    "avx512fp16": [*AVX512, "-mavx512fp16"],
}
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
COMMON = ["-std=c++20", "-O1", "-g", "-ffp-contract=off", *SANITIZE]

compiler = shutil.which(os.environ.get("CXX", "g++"))
pytestmark = [
    pytest.mark.skipif(compiler is None, reason="no C++ compiler"),
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="for x86-64"),
]


def knows(flags: list[str]) -> bool:
    """Whether the compiler takes these flags."""
    probe = [compiler, *flags, "-x", "c++", "-", "-fsyntax-only"]
    done = subprocess.run(probe, check=False, input="", text=True, capture_output=True)
    return done.returncode == 0


def test_the_kernels_with_sanitizers(tmp_path):
    levels = {name: flags for name, flags in LEVELS.items() if knows(flags)}
    has = [f"-DPOOLWISE_HAS_{name.upper()}" for name in levels]
    files = [(HERE / "kernels.cpp", ["-Wall"])]
    files += [(SOURCES / f"{name}.cpp", []) for name in PLAIN]
    files += [(SOURCES / f"kernels_{name}.cpp", flags) for name, flags in levels.items()]
    running = []
    for source, flags in files:
        made = tmp_path / f"{source.parent.name}-{source.stem}.o"
        command = [compiler, *COMMON, *flags, *has, f"-I{SOURCES}", "-c", source, "-o", made]
        running.append((made, subprocess.Popen(command, stderr=subprocess.PIPE, text=True)))
        if len(running) % 2 == 0:
            running[-2][1].wait()
    for made, process in running:
        _, errors = process.communicate()
        assert process.returncode == 0, f"{made.name}: {errors}"
    program = tmp_path / "kernels"
    link = [compiler, *SANITIZE, *(made for made, _ in running), "-lpthread", "-o", program]
    subprocess.run(link, check=True)
    done = subprocess.run([program], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "0 failed" in done.stdout
