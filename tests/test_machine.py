"""The machine as its system describes it: Linux, macOS, Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from poolwise import machine
from poolwise.engines import workers

ARM = "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp i8mm\nCPU part\t: 0xd40\n"
X86 = "model name\t: A CPU\ncpu family\t: 6\nmodel\t\t: 143\nflags\t\t: fpu avx2 amx_int8 fma\n"


@pytest.fixture
def system(monkeypatch):
    """Pretend to be of this platform, with this /proc/cpuinfo and these answers of sysctl."""

    def pretend(platform, name, architecture, cpuinfo=None, sysctl=None):
        monkeypatch.setattr(machine.sys, "platform", platform)
        monkeypatch.setattr(machine.platform, "system", lambda: name)
        monkeypatch.setattr(machine.platform, "machine", lambda: architecture)
        monkeypatch.setattr(machine.platform, "processor", lambda: "by Python")

        def read(*_, **__):
            if cpuinfo is None:
                raise FileNotFoundError
            return cpuinfo

        def asked(command, **_):
            value = (sysctl or {}).get(command[-1], "")
            return SimpleNamespace(stdout=f"{value}\n", returncode=not value)

        monkeypatch.setattr(Path, "read_text", read)
        monkeypatch.setattr(subprocess, "run", asked)
        machine.instructions.cache_clear()

    yield pretend
    machine.instructions.cache_clear()


def test_linux(system):
    system("linux", "Linux", "x86_64", X86)
    assert machine.processor() == "A CPU, family 6, model 143"
    assert machine.instructions() == ("fma", "avx2", "amx_int8")
    system("linux", "Linux", "aarch64", ARM)
    assert machine.processor() == "by Python, model 0xd40"
    assert machine.instructions() == ("asimd", "asimdhp", "asimddp", "i8mm")


def test_macos(system):
    sysctl = {"machdep.cpu.brand_string": "Apple M9", "hw.optional.arm.FEAT_I8MM": "1"}
    system("darwin", "Darwin", "arm64", sysctl=sysctl)
    assert machine.processor() == "Apple M9"
    assert machine.instructions() == ("asimd", "i8mm")


def test_windows(system, monkeypatch):
    system("win32", "Windows", "AMD64")
    assert machine.processor() == "by Python"
    assert machine.instructions() == ()
    import ctypes

    def fill(reference):
        status = reference._obj
        assert status.length == ctypes.sizeof(type(status)) == 64  # of MEMORYSTATUSEX
        status.physical = 12345
        return 1

    kernel = SimpleNamespace(GlobalMemoryStatusEx=fill)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(ctypes, "c_ulong", ctypes.c_uint32)  # as Windows has it
    assert machine.memory() == 12345


def test_this_machine(monkeypatch):
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)
    assert workers.cores() == machine.cores()
    if sys.platform == "linux":
        told = Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
        assert machine.memory() == int(told) * 1024
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine.cores() == os.cpu_count()
