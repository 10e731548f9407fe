"""A Ray cluster: which one, how it is reached, and how many workers it has room for."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from threading import current_thread, main_thread
from typing import Any

from poolwise.errors import OptionError, PoolwiseError, needs
from poolwise.processes import environment
from poolwise.texts.omitted_rows import counted

CONNECT_S = 60.0
"""Seconds that a cluster may take to answer. Ray itself waits for many minutes."""

PORT_S = 10.0
"""Seconds that its port may take."""

AUTO, LOCAL = "auto", "local"

_QUIET: dict[str, Any] = {
    "log_to_driver": False,
    "logging_level": "ERROR",
}

_QUIET_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

_NO_CLUSTER = "no cluster"

_PROBE = f"""
import sys, ray
try:
    ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
except ConnectionError as error:
    sys.exit("{_NO_CLUSTER}: " + str(error))
"""

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def parse_address(address: object) -> str:
    """``auto``, ``local``, ``HOST:PORT`` or ``ray://HOST:PORT``. Raises OptionError."""
    if address is True:
        return AUTO
    if isinstance(address, str):
        if address in (AUTO, LOCAL):
            return address
        if _host_and_port(address) is not None:
            return address
    raise OptionError(
        f"the address of the Ray cluster is {address!r:.80}, expected auto, local, HOST:PORT or "
        "ray://HOST:PORT"
    )


def worker_count(cpus: float, gpus: float, asked: int | None) -> int:
    """How many workers, with a CPU each, and a GPU each where there are ``gpus``; one CPU less
    than there are, unless another number is asked for. Raises OptionError where they have no
    room: a pool that takes every CPU of a cluster leaves none to schedule with, and hangs."""
    cpus, gpus = int(cpus), int(gpus)
    room = min(cpus - 1, gpus or cpus)
    count = asked or max(room, 1)
    has = f"the Ray cluster has {counted(cpus, 'CPU', 'CPUs')}"
    take = f"{counted(count, 'worker', 'workers')} and one for Ray need {count + 1}"
    if cpus < 2:
        raise OptionError(f"{has}, {take}: add a node, or leave --ray out")
    if count + 1 > cpus:
        raise OptionError(f"{has}, {take}: ask for --workers {room} at most, or add a node")
    if gpus and count > gpus:
        raise OptionError(
            f"the Ray cluster has {counted(gpus, 'GPU', 'GPUs')}, and each of {count} workers "
            f"takes one: ask for --workers {room} at most, or add a node"
        )
    return count


@contextmanager
def ray_cluster(address: str) -> Iterator[Any]:
    """Ray, connected; what was started for it is shut down at the end.

    ``auto`` is the cluster of RAY_ADDRESS, or the one that runs on this machine, else ``local``: a
    new one. Where this process is connected already it stays so. Raises PoolwiseError within
    ``CONNECT_S`` where no cluster answers, MissingExtraError without Ray.

    What Ray says of its processes goes to stderr; it would print some of it on stdout.
    """
    with needs("ray", "--ray"):
        import ray  # noqa: PLC0415 - optional, and takes a second
    if ray.is_initialized():
        yield ray
        return
    chosen = _chosen(address)
    with redirect_stdout(sys.stderr):
        try:
            with _own_signals(), environment(_QUIET_VARIABLES):
                started = {"include_dashboard": False} if chosen == LOCAL else {}
                ray.init(chosen, **_QUIET, **started)
            yield ray
        finally:
            ray.shutdown()


def _chosen(address: str) -> str:
    """Where to connect to, which answers."""
    if address == AUTO:
        address = os.environ.get("RAY_ADDRESS") or AUTO
    if address == LOCAL:
        return LOCAL
    target = _host_and_port(address)
    shown = "the cluster that runs on this machine" if address == AUTO else address
    if target is not None:
        try:
            socket.create_connection(target, PORT_S).close()
        except OSError as error:
            raise _no_answer(shown, error.strerror or str(error)) from error
    return address if _answers(address, shown) else LOCAL


def _answers(address: str, shown: str) -> bool:
    """Whether a cluster does; False where ``auto`` finds none.

    Tried in another process, which can be ended: connecting waits without end in C++ code.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CONNECT_S,
        )
    except subprocess.TimeoutExpired:
        raise _no_answer(shown, f"nothing came within {CONNECT_S:.0f} s") from None
    if done.returncode == 0:
        return True
    reason = next(reversed(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
    if address == AUTO and reason.startswith(_NO_CLUSTER):
        return False
    raise _no_answer(shown, reason.removeprefix(f"{_NO_CLUSTER}: "))


def _no_answer(shown: str, reason: str) -> PoolwiseError:
    return PoolwiseError(
        f"no Ray cluster answers at {shown}: {reason}. Expected the address of its head node, "
        "such as 10.0.0.1:6379 or ray://10.0.0.1:10001, and its token (RAY_AUTH_TOKEN) if it has "
        "one; --ray local starts a cluster on this machine"
    )


def _host_and_port(address: str) -> tuple[str, int] | None:
    match = re.fullmatch(r"(?:ray://)?(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):(\d{1,5})", address)
    if match is None or not 0 < int(match[2]) < 65_536:
        return None
    return match[1].strip("[]"), int(match[2])


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes the handler of SIGTERM for itself: put ours back."""
    if current_thread() is not main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
