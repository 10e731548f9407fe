"""Compiles the kernels' own tests with sanitizers and runs them; see kernels.cpp."""

from __future__ import annotations

import subprocess


def test_the_kernels_with_sanitizers(compiled):
    program = compiled.program("kernels", "address,undefined")
    done = subprocess.run([program], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "0 failed" in done.stdout
