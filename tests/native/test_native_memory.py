"""Compiles the test of failing allocations with sanitizers and runs it; see memory.cpp."""

from __future__ import annotations

import subprocess


def test_a_failed_allocation_reaches_the_caller_and_helpers_allocate_nothing(compiled):
    program = compiled.program("memory", "address,undefined")
    process = subprocess.run([program], check=False, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-6000:]
    assert "0 failed" in process.stdout
