"""Where each loader is installed: one environment a set of packages that install together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READERS = Path(__file__).parent / "readers"

PACKAGES = {
    "newest": ("sentence-transformers>=6", "txtai", "onnxruntime"),
    "optimum": ("sentence-transformers[onnx]<6", "onnxruntime"),
    "fastembed": ("fastembed",),
    "node": ("@huggingface/transformers",),
}
"""The packages of each environment; ``node`` holds npm's."""

TORCH = "torch==2.13.0"  # by its exact name first: a CPU build


@dataclass(frozen=True, slots=True)
class Loader:
    """A library and a spelling: ``reader`` is a module of readers/ in an environment.

    ``warned_as`` is its name in an export's misreadings. ``unit`` if it makes every vector one of
    length 1.
    """

    name: str
    environment: str
    reader: str
    warned_as: str = ""
    unit: bool = False


_ST_ONNX = 'sentence-transformers with backend="onnx" or "openvino"'
LOADERS = (
    Loader(
        "sentence-transformers 6", "newest", "read_sentence_transformers", "sentence-transformers"
    ),
    Loader(
        "sentence-transformers 5", "optimum", "read_sentence_transformers", "sentence-transformers"
    ),
    Loader(
        'sentence-transformers 5, `backend="onnx"`',
        "optimum",
        "read_sentence_transformers_onnx",
        _ST_ONNX,
    ),
    Loader("transformers", "newest", "read_transformers", "transformers (AutoModel, pipeline)"),
    Loader("txtai", "newest", "read_txtai", "txtai, by default", unit=True),
    Loader(
        'txtai, `method="sentence-transformers"`',
        "newest",
        "read_txtai_sentence_transformers",
        "sentence-transformers",
        unit=True,
    ),
    Loader("txtai, the graph's file", "newest", "read_txtai_onnx", "txtai, the graph's file", True),
    Loader("onnxruntime", "newest", "read_onnxruntime"),
    Loader("fastembed", "fastembed", "read_fastembed", "fastembed"),
    Loader('fastembed, `output_name="sentence_embedding"`', "fastembed", "read_fastembed_output"),
    Loader("optimum, its pipeline", "optimum", "read_optimum", "optimum, by its pipeline"),
    Loader("transformers.js, its pipeline", "node", "pipeline", "transformers.js, by its pipeline"),
    Loader("transformers.js, `sentence_embedding`", "node", "model"),
)


def install(environments: Path) -> None:
    """Make the environments that ``environments`` lacks; takes minutes and gigabytes."""
    for name, packages in PACKAGES.items():
        folder = environments / name
        if folder.exists():
            continue
        if name == "node":
            folder.mkdir(parents=True)
            run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages])
            continue
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        if name != "fastembed":
            run([*pip, TORCH])
        run([*pip, *packages])


def read(loader: Loader, environments: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The loader's answer to a request, as readers/reading.py describes it."""
    with tempfile.TemporaryDirectory() as temporary:
        asked, answered = Path(temporary) / "request.json", Path(temporary) / "answer.json"
        asked.write_text(json.dumps(request))
        run([*_command(loader, environments / loader.environment), str(asked), str(answered)])
        content: dict[str, Any] = json.loads(answered.read_text())
    return content


def _command(loader: Loader, environment: Path) -> list[str]:
    if loader.environment == "node":
        return ["node", str(READERS / "transformers_js.mjs"), str(environment), loader.reader]
    python = str(environment / "bin" / "python")
    return [python, str(READERS / "reading.py"), loader.reader]


def run(command: list[str]) -> None:
    """Run a command, offline for the Hugging Face hub; its error says what it printed."""
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "ONNXRUNTIME_NODE_INSTALL": "skip"},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
