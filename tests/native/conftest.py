"""The native engine's sources, compiled with sanitizers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "native"
AVX512 = "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c".split()
LEVELS = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avxvnni": ["-mavx2", "-mfma", "-mavxvnni"],
    "avx512": AVX512,
    "avx512fp16": [*AVX512, "-mavx512fp16"],
}
PLAIN = [
    path.stem
    for path in sorted(SOURCES.glob("*.cpp"))
    if path.stem not in ("module", "build", *(f"kernels_{level}" for level in LEVELS))
]
"""What knows neither Python nor a set of instructions."""

compiler = shutil.which(os.environ.get("CXX", "g++"))


class Compiler:
    """Compiles once a sanitizer, two files at a time."""

    sources = SOURCES

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine: dict[str, list[Path]] = {}

    def takes(self, *flags: str) -> bool:
        """Whether these flags are known, and make a program."""
        command = [compiler, *flags, "-x", "c++", "-", "-o", self._folder / "probe"]
        main = "int main() {}"
        done = subprocess.run(command, check=False, input=main, text=True, capture_output=True)
        return done.returncode == 0

    def library(self, name: str) -> str:
        """Where the compiler's own library lies."""
        command = [compiler, f"-print-file-name={name}"]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    def engine(self, sanitizer: str) -> list[Path]:
        """The object files of all but the door."""
        if sanitizer not in self._engine:
            levels = {name: flags for name, flags in LEVELS.items() if self.takes(*flags)}
            has = [f"-DPOOLWISE_HAS_{name.upper()}" for name in levels]
            files = [(SOURCES / f"{name}.cpp", has) for name in PLAIN]
            files += [(SOURCES / f"kernels_{name}.cpp", flags) for name, flags in levels.items()]
            self._engine[sanitizer] = self.objects(files, sanitizer)
        return self._engine[sanitizer]

    def objects(self, files: list[tuple[Path, list[str]]], sanitizer: str) -> list[Path]:
        """Each source, with flags of its own."""
        running = []
        for source, flags in files:
            made = self._folder / f"{sanitizer}-{source.parent.name}-{source.stem}.o"
            common = ["-std=c++20", "-O1", "-g", "-ffp-contract=off", "-fPIC", f"-I{SOURCES}"]
            command = [compiler, *common, *_sanitize(sanitizer), *flags, "-c", source, "-o", made]
            running.append((made, subprocess.Popen(command, stderr=subprocess.PIPE, text=True)))
            if len(running) % 2 == 0:
                running[-2][1].wait()
        for made, process in running:
            _, errors = process.communicate()
            assert process.returncode == 0, f"{made.name}: {errors}"
        return [made for made, _ in running]

    def linked(self, name: str, objects: list[Path], sanitizer: str, *flags: str) -> Path:
        """The program, or with ``-shared`` the library."""
        made = self._folder / f"{sanitizer}-{name}"
        command = [compiler, *_sanitize(sanitizer), *flags, *objects, "-lpthread", "-o", made]
        subprocess.run(command, check=True)
        return made

    def program(self, name: str, sanitizer: str) -> Path:
        """NAME.cpp of this folder over the engine."""
        own = self.objects([(HERE / f"{name}.cpp", ["-Wall"])], sanitizer)
        return self.linked(name, [*own, *self.engine(sanitizer)], sanitizer)


def _sanitize(sanitizer: str) -> list[str]:
    return [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Compiler:
    if compiler is None:
        pytest.skip("no C++ compiler")
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("for x86-64")
    return Compiler(tmp_path_factory.mktemp("native"))
