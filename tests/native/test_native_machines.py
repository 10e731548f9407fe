"""The kernels on other machines, run by qemu: by their definitions, and the best of each CPU."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

CPUS = {
    "aarch64": {
        "max": ["neoni8mm", "portable"],
        "cortex-a72": ["neon"],
        "neoverse-n1": ["neonfp16"],
    },
    "riscv64": {"rv64": ["portable"]},
}
"""CPUs of qemu with the levels that are tested on each; the first is its best."""
MEMORY_CPUS = {"aarch64": "neoverse-n1"}
"""Those that also run out of memory, at every level and the one for tests."""


@pytest.mark.parametrize("machine", CPUS)
def test_kernels_and_memory_on_another_machine(machine, cross_compiler):
    """One test a machine, so that one process compiles the engine."""
    qemu = shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")
    if qemu is None:
        pytest.skip(f"no qemu for {machine}")
    cpus, memory_cpu = CPUS[machine], MEMORY_CPUS.get(machine)
    compiler = cross_compiler(machine, emulated=memory_cpu is not None)
    kernels = compiler.program("kernels", "", "-static")
    calls = [[qemu, "-cpu", cpu, kernels, *tested] for cpu, tested in cpus.items()]
    if memory_cpu is not None:
        calls.append([qemu, "-cpu", memory_cpu, compiler.program("memory", "", "-static")])
    with ThreadPoolExecutor(2) as two:
        outputs = list(two.map(_output, calls))
    for (cpu, tested), output in zip(cpus.items(), outputs, strict=False):
        done = [f"{level} done" for level in tested]
        assert output.split("\n") == [f"best {tested[0]}", *done, "0 failed", ""], cpu


def _output(command):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
