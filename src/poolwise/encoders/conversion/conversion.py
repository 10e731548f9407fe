"""Conversion of a folder with a pickle, or with TensorFlow weights, to one that ``load`` reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poolwise.encoders.config import read_config
from poolwise.encoders.conversion.copies import copy_files, copy_mode, refuse_links
from poolwise.encoders.loading import load
from poolwise.encoders.safetensors_file import MAX_HEADER
from poolwise.encoders.tokenizer.settings import read_settings
from poolwise.encoders.tokenizer.spec import SENTENCEPIECE_FILES
from poolwise.encoders.untrusted_files import (
    as_object,
    read_json,
    read_object,
    refuse_lfs_pointer,
    resolve_inside,
)
from poolwise.encoders.weight_formats import (
    KERAS,
    PICKLES,
    WEIGHTS,
    missing_config,
    missing_weights,
    refuse_adapters,
)
from poolwise.encoders.weights import INDEX, MAX_SHARDS
from poolwise.errors import EncoderError
from poolwise.files import os_errors_as, whole_folder

TIMEOUT = 900.0


@dataclass(frozen=True, slots=True)
class _Job:
    """A file to write: ``target`` relative to the new folder, ``sources`` in the old one.

    ``replaces`` are the files that are not copied because the target has their contents.
    """

    task: str
    target: Path
    sources: tuple[Path, ...]
    replaces: tuple[Path, ...] = ()


def convert(folder: str | Path, out: str | Path, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
    """Write ``out``: the model of ``folder`` with its weights as safetensors.

    Pickles (pytorch_model.bin, or its shards, of the encoder and of the modules after it) are never
    unpickled: a process of its own, with bounded memory and time, reads the names and shapes of
    their tensors, and then in pieces those that config.json requires. It reads the file that
    transformers wrote for TensorFlow (tf_model.h5) likewise. A tokenizer that is only a
    SentencePiece model becomes a tokenizer.json. Other files are copied, except code, other pickles
    and other formats of weights; heads are written while they are not larger than the encoder.

    Returns the names of files and tensors that were left out. ``out`` appears complete or not at
    all, and ``load`` accepts it. Raises EncoderError; ``timeout`` is in seconds, a process.
    """
    folder, out = Path(folder), Path(out)
    if not folder.is_dir():
        raise EncoderError(f"{folder}: no such folder")
    if out.exists():
        raise EncoderError(f"{out}: exists already; give the name of a new folder")
    with whole_folder(out, replace=False, parents=True) as partial:
        jobs = _jobs(folder)
        with os_errors_as(out):
            replaced = [path for job in jobs for path in job.replaces]
            names_left_out = copy_files(folder, partial, replaced)
        for job in jobs:
            target, sources = partial / job.target, map(str, job.sources)
            tensors = _run_worker(job.task, str(target), *sources, timeout=timeout)
            names_left_out += tuple(f"tensor {name}" for name in tensors)
            with os_errors_as(out):
                copy_mode(job.sources[0], target)
        _check(partial, folder)
    return names_left_out


def _check(partial: Path, folder: Path) -> None:
    """Load the result. Raises EncoderError as for the original folder."""
    try:
        load(partial)
    except EncoderError as error:
        raise type(error)(str(error).replace(str(partial), str(folder))) from error


def _jobs(folder: Path) -> list[_Job]:
    """The files to convert. Raises EncoderError where there are none."""
    encoder, *modules = _modules(folder)
    refuse_adapters(encoder)
    if not (encoder / "config.json").is_file():
        raise missing_config(encoder)
    jobs = [*_weights(folder, encoder, "encoder")]
    jobs += [job for module in modules for job in _weights(folder, module, "module")]
    if not jobs and not any((encoder / name).exists() for name in (WEIGHTS, INDEX)):
        raise missing_weights(encoder)
    if _needs_tokenizer(folder, encoder):
        target = encoder.relative_to(folder) / "tokenizer.json"
        jobs.append(_Job("tokenizer", target, (encoder,)))
    if not jobs:
        raise EncoderError(f"{folder}: has no {PICKLES[0]} and nothing else to convert")
    return jobs


def _modules(folder: Path) -> list[Path]:
    """The folders of sentence-transformers' modules, the encoder's first."""
    path = folder / "modules.json"
    if not path.exists():
        return [folder]
    listed = read_json(path)
    if not isinstance(listed, list) or not listed:
        raise EncoderError(f"{path}: expected a list of modules")
    place = str(path)
    folders = [
        resolve_inside(folder, as_object(item, place).get("path", ""), place) for item in listed
    ]
    return list(dict.fromkeys(folders))


def _weights(folder: Path, module: Path, task: str) -> Iterator[_Job]:
    """The job that writes a module's safetensors; none where it has them already."""
    if (module / WEIGHTS).exists() or (module / INDEX).exists():
        return
    for names in (PICKLES, KERAS):
        sources = _sources(module, *names)
        if sources:
            refuse_links(folder, sources)
            _refuse_pointers(sources)
            replaced = (*sources, module / names[1])
            inputs = (*sources, module) if task == "encoder" else sources
            yield _Job(task, module.relative_to(folder) / WEIGHTS, inputs, replaced)
            return


def _sources(module: Path, file: str, index: str) -> tuple[Path, ...]:
    """The file of all weights, or the shards that the index lists."""
    if (module / file).is_file():
        return (module / file,)
    if not (module / index).is_file():
        return ()
    place = f"{module / index}: weight_map"
    names = as_object(read_object(module / index, MAX_HEADER).get("weight_map"), place).values()
    shards = sorted({resolve_inside(module, shard, str(module / index)) for shard in names})
    if len(shards) > MAX_SHARDS:
        raise EncoderError(f"{place}: names {len(shards):,} files, at most {MAX_SHARDS} are read")
    return tuple(shards)


def _refuse_pointers(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if not path.is_file():
            raise EncoderError(f"{path}: no such file")
        with path.open("rb") as file:
            refuse_lfs_pointer(path, file.read(64))


def _needs_tokenizer(folder: Path, encoder: Path) -> bool:
    """Whether the family reads Unigram vocabularies, and there is only a SentencePiece model."""
    family = read_config(encoder / "config.json").family
    builds = read_settings(encoder, family.model_type).builds
    if (encoder / "tokenizer.json").exists() or (builds and builds.model != "Unigram"):
        return False
    files = tuple(encoder / name for name in SENTENCEPIECE_FILES if (encoder / name).exists())
    refuse_links(folder, files)
    _refuse_pointers(files)
    return bool(files)


def _run_worker(task: str, target: str, *sources: str, timeout: float) -> list[str]:
    """Run a task of ``worker`` in a process; returns the names of tensors that it left out."""
    # -P keeps the current folder, which may be the untrusted one, out of the import path; with
    # utf8 both sides have one encoding, Windows has cp1252 for pipes.
    command = [sys.executable, "-P", "-X", "utf8", "-m", "poolwise.encoders.conversion.worker"]
    try:
        process = subprocess.run(
            [*command, task, target, *sources],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise EncoderError(f"{sources[0]}: not converted within {timeout:g} s") from error
    if process.returncode != 0:
        lines = process.stderr.strip().splitlines()
        reason = lines[-1] if lines and process.returncode > 0 else _exit_reason(process.returncode)
        raise EncoderError(f"{sources[0]}: cannot be converted: {reason[:500]}")
    return process.stdout.splitlines()


def _exit_reason(status: int) -> str:
    """The likely reason why a process ended without a message."""
    if status >= 0:  # Windows, which has no SIGXCPU, knows no others
        return f"exit status {status}"
    if status == -signal.SIGXCPU:
        return "refused, reading it takes longer than any encoder's file does"
    name = signal.Signals(-status).name
    return f"refused, the process that read it was ended by {name}, most likely for its memory"
