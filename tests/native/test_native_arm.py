"""The kernels for 64-bit ARM, run by qemu: by their definitions, and the best of each CPU."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

CPUS = {
    "max": ["neoni8mm", "portable"],
    "neoverse-n1": ["neonfp16"],
    "cortex-a72": ["neon"],
}
"""CPUs of qemu with the levels that are tested on each; the first is its best."""


def test_kernels_and_memory_on_arm(for_arm):
    """One test, so that one process compiles the engine."""
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("no qemu for 64-bit ARM")
    kernels, memory = (for_arm.program(name, "", "-static") for name in ("kernels", "memory"))
    calls = [[qemu, "-cpu", cpu, kernels, *tested] for cpu, tested in CPUS.items()]
    calls.append([qemu, "-cpu", "neoverse-n1", memory])
    with ThreadPoolExecutor(2) as two:
        outputs = list(two.map(_output, calls))
    for (cpu, tested), output in zip(CPUS.items(), outputs, strict=False):
        done = [f"{level} done" for level in tested]
        assert output.split("\n") == [f"best {tested[0]}", *done, "0 failed", ""], cpu


def _output(command):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
