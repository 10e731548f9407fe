"""What is installed, and on which machine: what a report of a bug needs."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from typing import get_args

from poolwise import machine
from poolwise.engines import native_engine
from poolwise.engines.opening import gpu_names
from poolwise.errors import OptionError
from poolwise.records import Precision
from poolwise.version import __version__

DEVELOPERS = {"dev", "bench"}
"""Extras whose packages poolwise itself never imports."""


@dataclass(frozen=True, slots=True)
class Environment:
    """``memory`` is in bytes, ``instructions`` are those that matrix products are made of.

    ``levels`` are the instruction sets that the native engine has kernels for and this CPU runs,
    best first: the first is used. ``precisions`` are what that one computes in. Without a native
    engine both are empty, and ``problem`` says why. ``devices`` are those that the transformers
    engine can use, empty without torch. ``packages`` are the versions of all installed packages
    that poolwise or one of its extras asks for.
    """

    poolwise: str
    processor: str
    instructions: tuple[str, ...]
    cores: int
    memory: int
    system: str
    python: str
    levels: tuple[str, ...]
    precisions: tuple[str, ...]
    problem: str | None
    devices: tuple[str, ...]
    packages: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(f"{name:<14} {value}" for name, value in self.rows())

    def rows(self) -> Iterator[tuple[str, str]]:
        """What is shown: name and value, each one line."""
        yield "poolwise", self.poolwise
        yield "processor", self.processor
        yield "instructions", " ".join(self.instructions) or "unknown"
        yield "cores", f"{self.cores} for this process"
        yield "memory", f"{self.memory / 1e9:.1f} GB"
        yield "system", self.system
        yield "Python", self.python
        yield "native engine", self._native_engine()
        yield "devices", ", ".join(self.devices) or "none: torch is not installed"
        yield from self.packages.items()

    def _native_engine(self) -> str:
        if not self.levels:
            return f"none: {self.problem}"
        others = f" (also {', '.join(self.levels[1:])})" if self.levels[1:] else ""
        return f"{self.levels[0]}{others}: {', '.join(self.precisions)}"


def environment() -> Environment:
    """This machine, this Python, and what is installed in it.

    No package is imported to learn its version; torch is only where /dev shows a GPU.
    """
    levels, problem = _levels()
    return Environment(
        poolwise=__version__,
        processor=machine.processor(),
        instructions=machine.instructions(),
        cores=machine.cores(),
        memory=machine.memory(),
        system=platform.platform(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        levels=levels,
        precisions=tuple(
            precision
            for precision in get_args(Precision)
            if levels and native_engine.has_precision(levels[0], precision)
        ),
        problem=problem,
        devices=_devices(),
        packages=versions(packages()),
    )


def packages() -> tuple[str, ...]:
    """What poolwise and its extras ask for, those of its developers aside."""
    try:
        requirements = requires("poolwise") or []
    except PackageNotFoundError:  # run from its sources
        return ()
    names = []
    for requirement in requirements:
        name, _, marker = requirement.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
        if extra is None or extra[1] not in DEVELOPERS:
            names.append(re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0])
    return tuple(name for name in dict.fromkeys(names) if name != "poolwise")


def versions(names: Iterable[str]) -> dict[str, str]:
    """Of those packages that are installed, by name."""
    installed = {}
    for name in names:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def _levels() -> tuple[tuple[str, ...], str | None]:
    """Of the native engine, and why there are none."""
    try:
        levels = native_engine.levels()
    except OptionError as error:  # told as part of the answer, which is there to explain it
        return (), str(error)
    return levels, None if levels else native_engine.absence()


def _devices() -> tuple[str, ...]:
    if find_spec("torch") is None:
        return ()
    try:
        names = gpu_names()
    except Exception as error:  # whatever a broken torch raises
        return (f"torch cannot be asked: {type(error).__name__}: {error}",)
    return tuple(f"cuda:{i} {name}" for i, name in enumerate(names)) or ("cpu",)
