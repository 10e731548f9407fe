"""Who serves: poolwise, a FastAPI server around sentence-transformers, infinity."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from in_process import readout_of
from loader_environments import TORCH, run
from servers import Command

import poolwise

HERE = Path(__file__).parent
INFINITY = "infinity-emb[torch,server]"

PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Of torch's threads, which otherwise spin while they wait: with the load on the same cores, a
server of one text in 20 ms then takes 490."""


@dataclass(frozen=True, slots=True)
class Contender:
    """``ready`` is answered by 200 when it serves. ``absent`` says why it cannot run."""

    name: str
    precision: str
    command: Command | None = None
    ready: str = "/health"
    environment: Mapping[str, str] = field(default_factory=dict)
    ours: bool = False
    absent: str = ""


def poolwise_server(folder: Path, precision: str) -> Contender:
    readout = readout_of(poolwise.load(folder))
    return Contender(
        f"poolwise serve, {precision}",
        precision,
        partial(_poolwise, folder, readout, precision),
        "/readyz",
        ours=True,
    )


def _poolwise(folder: Path, readout: str, precision: str, port: int) -> Sequence[str]:
    command = [sys.executable, "-m", "poolwise", "serve", str(folder), "--readout", readout]
    return [*command, "--port", str(port), "--precision", precision]


def fastapi(folder: Path, _: Path) -> Contender:
    name = "FastAPI and sentence-transformers"
    try:
        import fastapi  # noqa: F401, PLC0415 - a peer may be missing
        import uvicorn  # noqa: F401, PLC0415
    except ModuleNotFoundError as missing:
        return Contender(name, "exact", absent=f"{missing.name} is not installed")
    script = str(HERE / "sentence_transformers_server.py")
    return Contender(
        name,
        "exact",
        lambda port: [sys.executable, script, str(folder), str(port)],
        environment=PATIENT,
    )


def infinity(folder: Path, environments: Path) -> Contender:
    """In an environment of its own, as it wants older versions of what poolwise's tests use."""
    name, environment = "infinity", environments / "infinity"
    program = environment / "bin" / "infinity_emb"
    try:
        _install(environment, program)
    except RuntimeError as error:
        return Contender(name, "exact", absent=f"it was not installed: {_short(error)}")
    try:
        run([str(program), "v2", "--help"])
    except RuntimeError as error:
        return Contender(name, "exact", absent=f"it does not start: {_short(error)}")
    name += " " + _version(environment)
    return Contender(name, "exact", partial(_infinity, program, folder), environment=PATIENT)


def _install(environment: Path, program: Path) -> None:
    if program.exists():
        return
    shutil.rmtree(environment, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(environment)])
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    run([*pip, TORCH])
    run([*pip, INFINITY])


def _version(environment: Path) -> str:
    program = "from importlib.metadata import version; print(version('infinity-emb'))"
    command = [str(environment / "bin" / "python"), "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _infinity(program: Path, folder: Path, port: int) -> Sequence[str]:
    options = {
        "--model-id": str(folder),
        "--host": "127.0.0.1",
        "--port": str(port),
        "--url-prefix": "/v1",
        "--engine": "torch",
        "--device": "cpu",
        "--dtype": "float32",
        "--batch-size": "64",
        "--log-level": "warning",
    }
    return [str(program), "v2", *(word for pair in options.items() for word in pair)]


def _short(error: object) -> str:
    return " ".join(str(error).split())[-200:]


PEERS = {"fastapi": fastapi, "infinity": infinity}
