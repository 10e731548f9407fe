"""Compiles the kernels' own tests with sanitizers and runs them; see kernels.cpp."""

from __future__ import annotations

import subprocess


def test_the_kernels_with_sanitizers(compiled):
    program = compiled.program("kernels", "address,undefined")
    process = subprocess.run([program], check=False, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-6000:]
    assert "0 failed" in process.stdout
