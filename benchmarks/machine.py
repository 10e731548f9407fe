"""Names the machine and the versions that a measurement was made with."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "poolwise",
    "torch",
    "transformers",
    "sentence-transformers",
    "onnxruntime",
    "openvino",
    "nncf",
    "tokenizers",
    "numpy",
)
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

APPLE = {
    "FEAT_FP16": "asimdhp",
    "FEAT_DotProd": "asimddp",
    "FEAT_I8MM": "i8mm",
    "FEAT_BF16": "bf16",
}
"""What macOS calls them."""


def describe(*more: str) -> dict[str, str]:
    """With the versions of ``PACKAGES`` and of ``more`` that are installed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "instructions": " ".join(instructions()) or "unknown",
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **{name: value for name in (*PACKAGES, *more) if (value := _version(name))},
    }


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def instructions() -> tuple[str, ...]:
    """Those of ``INSTRUCTIONS`` that the CPU has."""
    has = {*(_cpuinfo("flags") or _cpuinfo("Features")).split()}
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        has = {"asimd"} | {
            flag for name, flag in APPLE.items() if _sysctl(f"hw.optional.arm.{name}") == "1"
        }
    return tuple(name for name in INSTRUCTIONS if name in has)


def _processor() -> str:
    name = _cpuinfo("model name") or _sysctl("machdep.cpu.brand_string") or platform.processor()
    numbers = {
        "family": _cpuinfo("cpu family"),
        "model": _cpuinfo("model") or _cpuinfo("CPU part"),
    }
    return ", ".join([name or "unknown", *(f"{k} {v}" for k, v in numbers.items() if v)])


def _cpuinfo(field: str) -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == field:
                return value.strip()
    return ""


def _sysctl(name: str) -> str:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
