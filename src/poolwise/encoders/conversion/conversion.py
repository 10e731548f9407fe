"""A folder with a pickle, or with weights for TensorFlow, becomes one that ``load`` reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poolwise.encoders.config import read_config
from poolwise.encoders.conversion.copies import copy_mode, copy_rest, refuse_links
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
    """One file to write, relative to the new folder, and what of the old one it comes from.

    ``replaces`` are the files that the new one stands for.
    """

    task: str
    target: Path
    sources: tuple[Path, ...]
    replaces: tuple[Path, ...] = ()


def convert(folder: str | Path, out: str | Path, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
    """Write ``out``: the model of ``folder`` with its weights as safetensors.

    Pickles (pytorch_model.bin, or its shards, of the encoder and of the modules behind it) are
    never unpickled: a process of their own, whose memory and time are bounded, reads which tensors
    they hold, and of those what config.json asks for, piece by piece. So it does with the file that
    transformers wrote for TensorFlow (tf_model.h5). A tokenizer that is only a SentencePiece model
    becomes a tokenizer.json. All else is copied, but for code, other pickles and other kinds of
    weights; heads come along while they are not larger than the encoder. The names of what is left
    out are given back. ``out`` appears complete or not at all, and is an encoder that ``load``
    accepts. Raises EncoderError; ``timeout`` is in seconds, for each process.
    """
    folder, out = Path(folder), Path(out)
    if not folder.is_dir():
        raise EncoderError(f"{folder}: no such folder")
    if out.exists():
        raise EncoderError(f"{out}: exists already; give the name of a new folder")
    with whole_folder(out, replace=False, parents=True) as partial:
        jobs = _jobs(folder)
        with os_errors_as(out):
            left_out = copy_rest(folder, partial, [path for job in jobs for path in job.replaces])
        for job in jobs:
            target, sources = partial / job.target, map(str, job.sources)
            tensors = _work(job.task, str(target), *sources, timeout=timeout)
            left_out += tuple(f"tensor {name}" for name in tensors)
            with os_errors_as(out):
                copy_mode(job.sources[0], target)
        _check(partial, folder)
    return left_out


def _check(partial: Path, folder: Path) -> None:
    """What is wrong with the result was wrong with the folder."""
    try:
        load(partial)
    except EncoderError as error:
        raise type(error)(str(error).replace(str(partial), str(folder))) from error


def _jobs(folder: Path) -> list[_Job]:
    """All that there is to convert. Raises EncoderError where it is nothing."""
    encoder, *others = _modules(folder)
    refuse_adapters(encoder)
    if not (encoder / "config.json").is_file():
        raise missing_config(encoder)
    jobs = [*_weights(folder, encoder, "encoder")]
    jobs += [job for module in others for job in _weights(folder, module, "module")]
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
    """What makes a module's safetensors: nothing where it has them already."""
    if (module / WEIGHTS).exists() or (module / INDEX).exists():
        return
    for names in (PICKLES, KERAS):
        sources = _sources(module, *names)
        if sources:
            refuse_links(folder, sources)
            _refuse_pointers(sources)
            replaced = (*sources, module / names[1])
            given = (*sources, module) if task == "encoder" else sources
            yield _Job(task, module.relative_to(folder) / WEIGHTS, given, replaced)
            return


def _sources(module: Path, whole: str, index: str) -> tuple[Path, ...]:
    """One file, or the shards that its index lists."""
    if (module / whole).is_file():
        return (module / whole,)
    if not (module / index).is_file():
        return ()
    place = f"{module / index}: weight_map"
    named = as_object(read_object(module / index, MAX_HEADER).get("weight_map"), place).values()
    shards = sorted({resolve_inside(module, shard, str(module / index)) for shard in named})
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
    """Whether there is only a SentencePiece model, and the family has one."""
    family = read_config(encoder / "config.json").family
    builds = read_settings(encoder, family.model_type).builds
    if (encoder / "tokenizer.json").exists() or (builds and builds.model != "Unigram"):
        return False
    found = tuple(encoder / name for name in SENTENCEPIECE_FILES if (encoder / name).exists())
    refuse_links(folder, found)
    _refuse_pointers(found)
    return bool(found)


def _work(task: str, target: str, *sources: str, timeout: float) -> list[str]:
    """Have one task done in a process of its own; gives the tensors that it left out."""
    # -P keeps the current folder, which may be the stranger's, out of the import path.
    command = [sys.executable, "-P", "-m", "poolwise.encoders.conversion.worker"]
    try:
        done = subprocess.run(
            [*command, task, target, *sources],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise EncoderError(f"{sources[0]}: not converted within {timeout:g} s") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        last = said[-1] if said and done.returncode > 0 else _ended(done.returncode)
        raise EncoderError(f"{sources[0]}: cannot be converted: {last[:500]}")
    return done.stdout.splitlines()


def _ended(status: int) -> str:
    """Why a process ended that said nothing."""
    if status == -signal.SIGXCPU:
        return "refused, reading it takes longer than any encoder's file does"
    if status < 0:
        name = signal.Signals(-status).name
        return f"refused, the process that read it was ended by {name}, most likely for its memory"
    return f"exit status {status}"
