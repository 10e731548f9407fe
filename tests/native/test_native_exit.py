"""The end of a process that still holds a model."""

from __future__ import annotations

import subprocess
import sys

HOLDS = """
import ctypes, sys, poolwise
model = poolwise.load(sys.argv[1])
model.embed(["a"], "cls@-1")
ctypes.pythonapi.Py_IncRef(ctypes.py_object(model))  # as packages do whose modules never go
"""


def test_nothing_is_said_of_a_model_that_is_alive(tiny):
    run = [sys.executable, "-c", HOLDS, str(tiny("bert"))]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
