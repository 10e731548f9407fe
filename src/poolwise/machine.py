"""The machine that a process runs on: its CPU, cores, memory and system."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path

INSTRUCTIONS = (
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
)
"""What matrix products are made of, as Linux names it on x86-64 and on ARM."""

_APPLE = {
    "FEAT_FP16": "asimdhp",
    "FEAT_DotProd": "asimddp",
    "FEAT_I8MM": "i8mm",
    "FEAT_BF16": "bf16",
}
"""What macOS calls them."""


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Bytes of memory that this machine has."""
    if sys.platform == "win32":
        return _windows_memory()
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def processor() -> str:
    """The CPU's name; on Linux with its family and model, which one name may share."""
    name = _cpuinfo("model name") or _sysctl("machdep.cpu.brand_string") or platform.processor()
    numbers = {
        "family": _cpuinfo("cpu family"),
        "model": _cpuinfo("model") or _cpuinfo("CPU part"),
    }
    return ", ".join([name or "unknown", *(f"{k} {v}" for k, v in numbers.items() if v)])


@cache
def instructions() -> tuple[str, ...]:
    """Those of ``INSTRUCTIONS`` that the CPU has; empty where the system does not tell."""
    has = {*(_cpuinfo("flags") or _cpuinfo("Features")).split()}
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        has = {"asimd"} | {
            flag for name, flag in _APPLE.items() if _sysctl(f"hw.optional.arm.{name}") == "1"
        }
    return tuple(name for name in INSTRUCTIONS if name in has)


def _cpuinfo(field: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return ""


def _sysctl(name: str) -> str:
    if sys.platform != "darwin":
        return ""
    import subprocess  # noqa: PLC0415 - slow to import, and macOS's only

    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _windows_memory() -> int:
    """By GlobalMemoryStatusEx: Windows has no ``os.sysconf``."""
    import ctypes  # noqa: PLC0415 - for Windows only

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("physical", ctypes.c_ulonglong),
            ("others", ctypes.c_ulonglong * 6),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
        raise OSError("Windows does not tell how much memory it has")
    return int(status.physical)
