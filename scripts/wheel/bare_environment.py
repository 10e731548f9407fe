"""A new virtual environment whose commands find no compiler, nor any other program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

KEPT = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""How the variables begin that pip needs to reach an index, in upper case."""


class BareEnvironment:
    """Of ``python``, in ``folder``, which is made anew.

    A command has an empty PATH, a home of its own and no variable of the caller's but ``KEPT``.
    """

    def __init__(self, folder: Path, python: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self._bin = folder / "python/bin"
        for empty in ("path", "home"):
            (folder / empty).mkdir(parents=True)
        subprocess.run([python, "-m", "venv", folder / "python"], check=True)
        self._at_first = self._files()
        self.version = self.output(
            "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"
        )

    def run(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment in ``folder``; the caller looks at its exit status."""
        here = {name: value for name, value in os.environ.items() if name.upper().startswith(KEPT)}
        here |= {"PATH": str(self.folder / "path"), "HOME": str(self.folder / "home")}
        return subprocess.run(
            [self._bin / program, *words],
            cwd=self.folder,
            env=here,
            check=False,
            capture_output=True,
            encoding="utf-8",
        )

    def output(self, program: str, *words: str | Path) -> str:
        """What it prints; SystemExit with its errors where it fails."""
        done = self.run(program, *words)
        if done.returncode:
            raise SystemExit(f"{program} {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def install(self, *words: str | Path) -> None:
        """``pip install``."""
        self.output("pip", "install", "--quiet", "--disable-pip-version-check", *words)

    def packages(self) -> dict[str, str]:
        """The versions of what is installed, pip and setuptools aside."""
        listed = self.output("pip", "list", "--disable-pip-version-check", "--format=json")
        names = {package["name"]: package["version"] for package in json.loads(listed)}
        return {name: names[name] for name in names if name not in {"pip", "setuptools"}}

    def bytes(self) -> int:
        """Of all files that were installed, with the bytecode that pip compiles."""
        return sum(size for path, size in self._files().items() if path not in self._at_first)

    def _files(self) -> dict[Path, int]:
        paths = (path for path in (self.folder / "python").rglob("*") if not path.is_symlink())
        return {path: path.stat().st_size for path in paths if path.is_file()}
