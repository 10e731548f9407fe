"""The engine's own tests, compiled with sanitizers and run; see kernels.cpp, memory.cpp and
stress.cpp."""

from __future__ import annotations

import subprocess


def test_programs_with_sanitizers(compiled):
    """Kernels by their definitions; then a failed allocation, which reaches the caller, and helpers
    that allocate nothing; then two rounds of the threads that ``make soak`` runs for long. One
    test, so that one process compiles the engine."""
    for name, beside, *rounds in (
        ("kernels", ("other_shapes",)),
        ("memory", ()),
        ("stress", (), "2"),
    ):
        program = compiled.program(name, "address,undefined", beside=beside)
        command = [program, *rounds]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        assert " 0 failed" in f" {done.stdout.splitlines()[-1]}"
