"""A folder with a pickle becomes a folder without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from poolwise.encoders.config import read_config
from poolwise.encoders.files import as_object, inside, read_object
from poolwise.encoders.loading import load
from poolwise.encoders.modules import read_modules
from poolwise.encoders.safetensors_file import MAX_HEADER
from poolwise.encoders.sources import PATTERNS
from poolwise.encoders.tokenizer_settings import read_settings
from poolwise.encoders.tokenizer_spec import SENTENCEPIECE
from poolwise.encoders.weights import INDEX, PICKLES, WEIGHTS
from poolwise.errors import EncoderError

TIMEOUT = 900.0
_WEIGHT_FILES = (WEIGHTS, INDEX, "model-*-of-*.safetensors")


def convert(folder: str | Path, out: str | Path, *, timeout: float = TIMEOUT) -> None:
    """Write ``out``: the encoder of ``folder`` with its weights as safetensors.

    The pickle (pytorch_model.bin, or its shards) is read in a process of its own with
    ``weights_only=True``, which builds tensors and refuses everything else. A tokenizer that is
    only a SentencePiece model becomes a tokenizer.json. ``out`` appears complete or not at all, and
    is an encoder that ``load`` accepts. Raises EncoderError; ``timeout`` is in seconds.
    """
    folder, out = Path(folder), Path(out)
    if not folder.is_dir():
        raise EncoderError(f"{folder}: no such folder")
    if out.exists():
        raise EncoderError(f"{out}: exists already; give the name of a new folder")
    model = read_modules(folder).encoder
    pickles, sentencepiece = _pickles(model), _needs_tokenizer(model)
    if not pickles and not sentencepiece:
        raise EncoderError(f"{folder}: has no {PICKLES[0]} and nothing else to convert")
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        _copy(folder, partial, weights=not pickles)
        target = partial / model.relative_to(folder)
        if sentencepiece:
            _work("tokenizer", str(target / "tokenizer.json"), str(model), timeout=timeout)
        if pickles:
            _work("weights", str(target / WEIGHTS), *map(str, pickles), timeout=timeout)
        load(partial)
        partial.rename(out)
    except OSError as error:
        raise EncoderError(f"{out}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _pickles(model: Path) -> list[Path]:
    """The pickles to read: none where the weights are safetensors already."""
    whole, index = (model / name for name in PICKLES)
    if (model / WEIGHTS).exists() or (model / INDEX).exists():
        return []
    if whole.is_file() or not index.is_file():
        return [whole] if whole.is_file() else []
    where = as_object(read_object(index, MAX_HEADER).get("weight_map"), f"{index}: weight_map")
    return sorted({inside(model, shard, str(index)) for shard in where.values()})


def _copy(folder: Path, out: Path, *, weights: bool) -> None:
    """Everything that ``load`` reads, with or without weights."""
    for pattern in PATTERNS:
        for path in folder.glob(pattern):
            if path.is_file() and (weights or not any(path.match(name) for name in _WEIGHT_FILES)):
                target = out / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def _needs_tokenizer(model: Path) -> bool:
    """Whether there is only a SentencePiece model, and the family has one."""
    family = read_config(model / "config.json").family
    builds = read_settings(model, family.model_type).builds
    if (model / "tokenizer.json").exists() or (builds and builds.model != "Unigram"):
        return False
    return any((model / name).exists() for name in SENTENCEPIECE)


def _work(task: str, target: str, *sources: str, timeout: float) -> None:
    # -P keeps the current folder, which may be the stranger's, out of the import path.
    command = [sys.executable, "-P", "-m", "poolwise.encoders.conversion_worker"]
    try:
        done = subprocess.run(
            [*command, task, target, *sources],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EncoderError(f"{sources[0]}: not converted within {timeout:g} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise EncoderError(f"{sources[0]}: cannot be converted: {lines[-1][:500]}")
