"""The native engine under 8 threads and malformed calls, with sanitizers; for ``make soak``.

``POOLWISE_SANITIZE`` is the number of rounds; without it nothing is compiled here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("POOLWISE_SANITIZE", "0"))
SEED = os.environ.get("POOLWISE_SANITIZE_SEED", "1")
SANITIZERS = {"address,undefined": "libasan.so", "thread": "libtsan.so"}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}
TIMEOUT = 3600  # seconds

pytestmark = pytest.mark.skipif(not ROUNDS, reason="set POOLWISE_SANITIZE, as make soak does")


@pytest.fixture(params=SANITIZERS)
def sanitizer(request, compiled):
    if not compiled.accepts(f"-fsanitize={request.param}"):
        pytest.skip(f"the compiler lacks -fsanitize={request.param}")
    return request.param


def test_eight_threads_with_sanitizers(sanitizer, compiled):
    run([compiled.program("stress", sanitizer), str(ROUNDS), SEED])


def test_malformed_calls_with_sanitizers(sanitizer, compiled):
    """The extension in a Python without sanitizers, so that their runtime is preloaded."""
    module = extension(compiled, sanitizer)
    runtime = [compiled.library(name) for name in (SANITIZERS[sanitizer], "libstdc++.so")]
    options = ["--module", module, "--seed", SEED, "--calls", str(ROUNDS * 10)]
    for script in ("malformed_calls.py", "malformed_calls.py --threads 8", "extreme_values.py"):
        name, *threads = script.split()
        command = [sys.executable, HERE / name, *options, *threads]
        run(command, LD_PRELOAD=":".join(runtime))


def run(command, **environment):
    process = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={**os.environ, **OPTIONS, **environment},
    )
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-9000:]
    assert "runtime error" not in process.stderr


def extension(compiled, sanitizer):
    nanobind = pytest.importorskip("nanobind")
    home = Path(nanobind.include_dir()).parent
    include = [home / "include", home / "ext" / "robin_map" / "include"]
    flags = [f"-I{path}" for path in (*include, sysconfig.get_paths()["include"])]
    flags.append("-fno-strict-aliasing")
    files = [compiled.sources / "module.cpp", compiled.sources / "build.cpp"]
    files.append(home / "src" / "nb_combined.cpp")
    objects = compiled.objects([(file, flags) for file in files], sanitizer)
    return compiled.link(
        "_native.so", [*objects, *compiled.engine(sanitizer)], sanitizer, "-shared"
    )
