"""A process that kills itself before or after the n-th step that changes what lies on the disk."""

from __future__ import annotations

import builtins
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poolwise.files import folder

STEPS = ("fsync", "link", "rename", "replace", "mkdir", "unlink", "remove", "rmdir", "chmod")


class Points:
    """Counts, in this process, the steps under ``place``; SIGKILL at the one that is ``fatal``:
    its number from 0 on, and whether it still happens."""

    def __init__(self, place: Path, fatal: tuple[int, bool] | None) -> None:
        self.seen: list[str] = []
        self._place, self._fatal = os.fspath(place), fatal
        for name in STEPS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        folder.exchange = self._counted("exchange", folder.exchange)
        io.open = builtins.open = self._opening(io.open)

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kw: Any) -> Any:
            inside = name == "fsync" or kw.get("dir_fd") is not None or self._is_inside(args[0])
            return self._step(f"{name} {args[0]}", call, args, kw) if inside else call(*args, **kw)

        return counted

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, mode: str = "r", *args: Any, **kw: Any) -> Any:
            if {*mode} & {*"wxa+"} and self._is_inside(file):
                return self._step(f"open {file}", call, (file, mode, *args), kw)
            return call(file, mode, *args, **kw)

        return opening

    def _step(self, name: str, call: Callable[..., Any], args: Any, kw: Any) -> Any:
        number = len(self.seen)
        self.seen.append(name)
        if self._fatal == (number, False):
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return call(*args, **kw)
        finally:
            if self._fatal == (number, True):
                os.kill(os.getpid(), signal.SIGKILL)

    def _is_inside(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self._place)
