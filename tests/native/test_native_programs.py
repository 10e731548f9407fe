"""The engine's own tests, compiled with sanitizers and run; see kernels.cpp and memory.cpp."""

from __future__ import annotations

import subprocess


def test_programs_with_sanitizers(compiled):
    """Kernels by their definitions; then a failed allocation, which reaches the caller, and helpers
    that allocate nothing. One test, so that one process compiles the engine."""
    for name, beside in (("kernels", ("other_shapes",)), ("memory", ())):
        program = compiled.program(name, "address,undefined", beside=beside)
        done = subprocess.run([program], check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        assert "0 failed" in done.stdout
