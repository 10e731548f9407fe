"""The native engine's sources, compiled with sanitizers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from poolwise.engines.native_engine import levels

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "native"
AVX512 = "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c".split()
LEVELS = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avxvnni": ["-mavx2", "-mfma", "-mavxvnni"],
    "avx512": AVX512,
    "avx512fp16": [*AVX512, "-mavx512fp16"],
}
PLAIN_SOURCES = [
    path.stem
    for path in sorted(SOURCES.glob("*.cpp"))
    if path.stem not in ("module", "build", *(f"kernels_{level}" for level in LEVELS))
]
"""The sources that need neither Python nor an instruction set."""

compiler = shutil.which(os.environ.get("CXX", "g++"))


class Compiler:
    """Compiles the engine once a sanitizer, two files at a time."""

    sources = SOURCES

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine: dict[str, list[Path]] = {}

    def accepts(self, *flags: str) -> bool:
        """Whether the compiler knows these flags and links with them."""
        command = [compiler, *flags, "-x", "c++", "-", "-o", self._folder / "probe"]
        main = "int main() {}"
        process = subprocess.run(command, check=False, input=main, text=True, capture_output=True)
        return process.returncode == 0

    def library(self, name: str) -> str:
        """The path of one of the compiler's libraries."""
        command = [compiler, f"-print-file-name={name}"]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    def engine(self, sanitizer: str) -> list[Path]:
        """The object files of all but the Python binding."""
        if sanitizer not in self._engine:
            runnable = levels() or LEVELS  # the others would be compiled and never run
            compiled = {
                name: flags
                for name, flags in LEVELS.items()
                if name in runnable and self.accepts(*flags)
            }
            has = [f"-DPOOLWISE_HAS_{name.upper()}" for name in compiled]
            files = [(SOURCES / f"{name}.cpp", has) for name in PLAIN_SOURCES]
            files += [(SOURCES / f"kernels_{name}.cpp", flags) for name, flags in compiled.items()]
            self._engine[sanitizer] = self.objects(files, sanitizer)
        return self._engine[sanitizer]

    def objects(self, files: list[tuple[Path, list[str]]], sanitizer: str) -> list[Path]:
        """The object file of each source, compiled with its flags."""
        running = []
        for source, flags in files:
            output = self._folder / f"{sanitizer}-{source.parent.name}-{source.stem}.o"
            common = ["-std=c++20", "-O1", "-g", "-ffp-contract=off", "-fPIC", f"-I{SOURCES}"]
            command = [compiler, *common, *_sanitize(sanitizer), *flags, "-c", source, "-o", output]
            running.append((output, subprocess.Popen(command, stderr=subprocess.PIPE, text=True)))
            if len(running) % 2 == 0:
                running[-2][1].wait()
        for output, process in running:
            _, errors = process.communicate()
            assert process.returncode == 0, f"{output.name}: {errors}"
        return [output for output, _ in running]

    def link(self, name: str, objects: list[Path], sanitizer: str, *flags: str) -> Path:
        """The program of these objects, or with ``-shared`` the library."""
        output = self._folder / f"{sanitizer}-{name}"
        command = [compiler, *_sanitize(sanitizer), *flags, *objects, "-lpthread", "-o", output]
        subprocess.run(command, check=True)
        return output

    def program(self, name: str, sanitizer: str) -> Path:
        """The program of NAME.cpp in this folder and the engine."""
        objects = self.objects([(HERE / f"{name}.cpp", ["-Wall"])], sanitizer)
        return self.link(name, [*objects, *self.engine(sanitizer)], sanitizer)


def _sanitize(sanitizer: str) -> list[str]:
    return [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Compiler:
    if compiler is None:
        pytest.skip("no C++ compiler")
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("for x86-64")
    return Compiler(tmp_path_factory.mktemp("native"))
