"""The native engine's sources, compiled with sanitizers, or for another machine."""

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
X86 = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avxvnni": ["-mavx2", "-mfma", "-mavxvnni"],
    "avx512": AVX512,
    "avx512fp16": [*AVX512, "-mavx512fp16"],
}
ARM = {
    "neon": [],
    "neonfp16": ["-march=armv8.2-a+fp16+dotprod"],
    "neoni8mm": ["-march=armv8.2-a+fp16+dotprod+i8mm"],
}
OF_MACHINE = {"x86_64": X86, "AMD64": X86, "aarch64": ARM, "arm64": ARM}
"""The flags of each level."""

PLAIN_SOURCES = [
    path.stem
    for path in sorted(SOURCES.glob("*.cpp"))
    if path.stem not in ("module", "build", *(f"kernels_{level}" for level in [*X86, *ARM]))
]
"""The sources that need neither Python nor an instruction set."""

compiler = shutil.which(os.environ.get("CXX", "g++"))


class Compiler:
    """Compiles the engine once a sanitizer, two files at a time.

    ``level_flags`` has the flags of each level that is to be compiled, if the compiler knows them,
    and ``flags`` those of every file. Without ``emulated`` the level for tests is left out: it
    takes longest to compile.
    """

    sources = SOURCES

    def __init__(
        self,
        folder: Path,
        command: str,
        level_flags: dict[str, list[str]],
        flags: list[str],
        emulated: bool = True,
    ) -> None:
        self._folder = folder
        self._command = command
        self._level_flags = level_flags
        self._plain = [s for s in PLAIN_SOURCES if emulated or s != "kernels_emulated"]
        self._flags = ["-std=c++20", "-ffp-contract=off", "-Wno-psabi", f"-I{SOURCES}", *flags]
        self._engine: dict[str, list[Path]] = {}

    def accepts(self, *flags: str) -> bool:
        """Whether the compiler knows these flags and links with them."""
        command = [self._command, *flags, "-x", "c++", "-", "-o", self._folder / "probe"]
        main = "int main() {}"
        process = subprocess.run(command, check=False, input=main, text=True, capture_output=True)
        return process.returncode == 0

    def library(self, name: str) -> str:
        """The path of one of the compiler's libraries."""
        command = [self._command, f"-print-file-name={name}"]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()

    def engine(self, sanitizer: str) -> list[Path]:
        """The object files of all but the Python binding."""
        if sanitizer not in self._engine:
            compiled = {
                name: flags for name, flags in self._level_flags.items() if self.accepts(*flags)
            }
            has = [f"-DPOOLWISE_HAS_{name.upper()}" for name in compiled]
            files = [(SOURCES / f"{name}.cpp", has) for name in self._plain]
            files += [(SOURCES / f"kernels_{name}.cpp", flags) for name, flags in compiled.items()]
            self._engine[sanitizer] = self.objects(files, sanitizer)
        return self._engine[sanitizer]

    def objects(self, files: list[tuple[Path, list[str]]], sanitizer: str) -> list[Path]:
        """The object file of each source, compiled with its flags."""
        running = []
        for source, flags in files:
            output = self._folder / f"{sanitizer}-{source.parent.name}-{source.stem}.o"
            command = [self._command, *self._flags, *_sanitize(sanitizer), *flags]
            command += ["-c", source, "-o", output]
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
        command = [self._command, *_sanitize(sanitizer), *flags, *objects, "-lpthread"]
        subprocess.run([*command, "-o", output], check=True)
        return output

    def program(self, name: str, sanitizer: str, *flags: str, beside: tuple[str, ...] = ()) -> Path:
        """The program of NAME.cpp in this folder and those in NAME/, of files ``beside`` it and of
        the engine."""
        sources = [HERE / f"{stem}.cpp" for stem in (name, *beside)] + sorted(
            HERE.glob(f"{name}/*.cpp")
        )
        files = [(source, ["-Wall", f"-I{HERE}"]) for source in sources]
        objects = self.objects(files, sanitizer)
        return self.link(name, [*objects, *self.engine(sanitizer)], sanitizer, *flags)


def _sanitize(sanitizer: str) -> list[str]:
    if not sanitizer:
        return []
    return [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Compiler:
    """For this machine, with the levels that it runs."""
    if compiler is None:
        pytest.skip("no C++ compiler")
    flags = OF_MACHINE.get(platform.machine(), {})
    runnable = {level: flags[level] for level in flags if level in levels()} or flags
    # -Og: what -O1 makes of it runs no faster with sanitizers, and compiles twice as long.
    return Compiler(tmp_path_factory.mktemp("native"), compiler, runnable, ["-Og", "-g1", "-fPIC"])


@pytest.fixture(scope="session")
def cross_compiler(tmp_path_factory):
    """``cross_compiler("riscv64")``: for another machine, to be linked with ``-static`` and run by
    qemu."""

    def cross_compiler(machine: str, *, emulated: bool) -> Compiler:
        command = shutil.which(f"{machine}-linux-gnu-g++")
        if command is None:
            pytest.skip(f"no compiler for {machine}")
        folder = tmp_path_factory.mktemp(machine)
        return Compiler(folder, command, OF_MACHINE.get(machine, {}), ["-O2"], emulated)

    return cross_compiler
