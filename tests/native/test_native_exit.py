"""The end of a process that still holds a model, or uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from poolwise.engines.native_engine import levels

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


USES = """
import threading
import numpy, valid_arguments
native = valid_arguments.module(None)
kernels = {"level": native.levels()[0], "precision": "exact"}
noise = numpy.random.default_rng(1)
encoder = native.Encoder(**valid_arguments.encoder_arguments(noise, **kernels))
started = threading.Barrier(4)
def embed():
    call = valid_arguments.run_arguments(False)
    started.wait()
    while True:
        encoder.run(**call)
for _ in range(3):
    threading.Thread(target=embed, daemon=True).start()
started.wait()
"""


@pytest.mark.skipif(not levels(), reason="the native engine does not run here")
def test_threads_that_use_the_core_do_not_disturb_the_end():
    """Python ends daemon threads where they next ask for its lock: inside the core."""
    run = [sys.executable, "-c", USES]
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    for _ in range(3):
        done = subprocess.run(run, capture_output=True, text=True, check=False, env=path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
