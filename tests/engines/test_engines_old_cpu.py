"""The native engine, as it is installed, on an x86-64 CPU without AVX: no file but those of an
instruction set's kernels may need more."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest

import poolwise
from poolwise.engines.native_engine import levels

FAMILIES = ("bert", "modernbert")
TEXTS = ["the cat sat on the big red mat", "no"]
SCRIPT = """
import sys

import numpy as np

import poolwise
from poolwise.engines.native_engine import levels

output, *folders = sys.argv[1:]
assert levels() == ("portable",), levels()
texts = ["the cat sat on the big red mat", "no"]
np.save(output, [poolwise.load(folder).embed(texts, "mean@-1") for folder in folders])
"""


@pytest.mark.skipif("portable" not in levels(), reason="the native engine does not run here")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="not an x86-64 machine")
def test_a_whole_pass_on_a_cpu_without_avx(tiny, tmp_path):
    qemu = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("no qemu for x86-64")
    folders = [tiny(family) for family in FAMILIES]
    command = [qemu, "-cpu", "Nehalem", sys.executable, "-c", SCRIPT, tmp_path / "vectors.npy"]
    done = subprocess.run([*command, *folders], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = [poolwise.load(folder).embed(TEXTS, "mean@-1") for folder in folders]
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), expected, atol=1e-5, rtol=0)
