"""The rates that registers allow here, on all cores: float32, fp16, int16 and int8 products.

They are measured by ``peaks.cpp``, a loop over accumulators in assembly, which is compiled when a
run begins.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from poolwise.machine import cores, instructions

SOURCE = Path(__file__).with_name("peaks.cpp")
BURST_S = 0.1

INSTRUCTIONS = {
    "avx512_f32": ("avx512f", "float32 FMA, AVX-512"),
    "avx512_f16": ("avx512_fp16", "fp16 FMA, AVX-512"),
    "avx512_bf16": ("avx512_bf16", "bf16 pairs, AVX-512"),
    "avx512_i16": ("avx512_vnni", "int16 pairs, AVX-512"),
    "avx512_i8": ("avx512_vnni", "bytes, AVX-512"),
    "avxvnni_i16": ("avx_vnni", "int16 pairs, AVX-VNNI"),
    "avxvnni_i8": ("avx_vnni", "bytes, AVX-VNNI"),
    "avx2_f32": ("fma", "float32 FMA, AVX2"),
    "avx2_i16": ("avx2", "int16 pairs, AVX2"),
    "neon_f32": ("asimd", "float32 FMA, NEON"),
    "neon_f16": ("asimdhp", "fp16 FMA, NEON"),
    "neon_i16": ("asimd", "int16, NEON"),
    "neon_i8": ("asimddp", "bytes, NEON dotprod"),
    "neon_i8mm": ("i8mm", "bytes, NEON i8mm"),
}
"""The functions of ``peaks.cpp``: the CPU's flag that each needs, and what it does."""

OF_LEVEL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "avx512fp16": {
        "exact": ("avx512_f32",),
        "near": ("avx512_f16",),
        "fast": ("avx512_i8",),
    },
    "avx512": {"exact": ("avx512_f32",), "near": ("avx512_i16",), "fast": ("avx512_i8",)},
    "avxvnni": {"exact": ("avx2_f32",), "near": ("avxvnni_i16",), "fast": ("avxvnni_i8",)},
    "avx2": {"exact": ("avx2_f32",), "near": ("avx2_i16",), "fast": ("avx2_i16",)},
    "neon": {
        "exact": ("neon_f32",),
        "near": ("neon_f16", "neon_f32"),
        "fast": ("neon_i8mm", "neon_i8", "neon_i16"),
    },
}
"""What products are measured against, by what the name of a level begins with, then by precision:
the first of these that the CPU has."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A burst of ``gop`` billion operations on all cores; a multiply-add counts as two."""

    run: Callable[[], object]
    gop: float


class Peaks:
    """The peaks of this CPU. Without any, ``absent`` says why."""

    def __init__(self, temporary: Path) -> None:
        self.absent, self._library = "", None
        self._executor = ThreadPoolExecutor(cores())
        library = temporary / "peaks.so"
        try:
            _compile(library)
            self._library = ctypes.CDLL(str(library))
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or str(error)
            self.absent = f"peaks.cpp does not compile here: {detail.splitlines()[0]:.150}"

    @property
    def names(self) -> list[str]:
        if self._library is None:
            return []
        has = instructions()
        found = [name for name, (flag, _) in INSTRUCTIONS.items() if flag in has]
        return [name for name in found if hasattr(self._library, name)]

    def of(self, precision: str, level: str) -> str | None:
        """The name of the peak of a level's products; None where there is none."""
        of_level = next((OF_LEVEL[known] for known in OF_LEVEL if level.startswith(known)), {})
        return next((name for name in of_level.get(precision, ()) if name in self.names), None)

    def burst(self, name: str) -> Peak:
        """Of about ``BURST_S`` seconds."""
        function = getattr(self._library, name)
        function.argtypes, function.restype = [ctypes.c_long], ctypes.c_long
        rounds, took = 1 << 12, 0.0
        while took < BURST_S / 4:
            rounds *= 2
            began = time.perf_counter()
            operations = function(rounds)
            took = time.perf_counter() - began
        scale = max(round(BURST_S / took), 1)
        work = [scale * rounds] * cores()
        return Peak(
            lambda: list(self._executor.map(function, work)), scale * operations * cores() / 1e9
        )

    def rates(self) -> dict[str, float]:
        """The best of five bursts of each, GFLOP/s or GOP/s, by what it is."""
        rates = {}
        for name in self.names:
            peak = self.burst(name)
            rates[INSTRUCTIONS[name][1]] = max(_rate(peak) for _ in range(5))
        return rates


def best_level() -> str:
    """The best level that this CPU has, whichever may be used."""
    has = instructions()
    flags = {
        "avx512fp16": "avx512_fp16",
        "avx512": "avx512_vnni",
        "avxvnni": "avx_vnni",
        "avx2": "avx2",
        "neon": "asimd",
    }
    return next((level for level, flag in flags.items() if flag in has), "portable")


def _rate(peak: Peak) -> float:
    began = time.perf_counter()
    peak.run()
    return peak.gop / (time.perf_counter() - began)


def _compile(library: Path) -> None:
    compiler = os.environ.get("CXX") or (sysconfig.get_config_var("CXX") or "c++").split()[0]
    for command in (compiler, "c++"):
        try:
            subprocess.run(
                [command, "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(library)],
                check=True,
                capture_output=True,
                text=True,
            )
        except (OSError, subprocess.CalledProcessError):
            if command == "c++":
                raise
        else:
            return
