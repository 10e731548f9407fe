"""The engine's own tests, compiled with sanitizers and run; see kernels.cpp, memory.cpp and
stress.cpp.

With ``POOLWISE_SANITIZE`` the kernels are tested in every shape.
"""

from __future__ import annotations

import os
import subprocess

from poolwise.engines.native_engine import levels

WHOLE = "POOLWISE_SANITIZE" in os.environ
SHAPES = ("emulated", "shape of avx2", "narrow, pairs of bytes")
"""Those of other_shapes.cpp but the slow one of the same code: the pairs' bits are compared with
its in any case."""


def test_programs_with_sanitizers(compiled):
    """Kernels by their definitions; then a failed allocation, which reaches the caller, and helpers
    that allocate nothing; then two rounds of the threads that ``make soak`` runs for long. One
    test, so that one process compiles the engine."""
    tested = () if WHOLE else (*levels(), *SHAPES)
    for name, beside, *options in (
        ("kernels", ("other_shapes",), *tested),
        ("memory", ()),
        ("stress", (), "2"),
    ):
        program = compiled.program(name, "address,undefined", beside=beside)
        command = [program, *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        lines = done.stdout.splitlines()
        assert " 0 failed" in f" {lines[-1]}"
        if name == "kernels":
            assert {f"{shape} done" for shape in SHAPES} <= {*lines}
