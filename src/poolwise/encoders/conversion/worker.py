"""The process that reads a pickle: ``python -m poolwise.encoders.conversion.worker``.

Its arguments are a task (encoder, module, tokenizer), the file to write, and the paths to read. It
reads types and shapes of all tensors first, and then the values of those that the encoder needs.
Its last line on stderr is the reason of a failure; each line on stdout names a tensor left out.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from poolwise.encoders.config import read_config
from poolwise.encoders.conversion.keras_file import open_keras
from poolwise.encoders.conversion.stored_tensors import ConversionError, StoredTensor, write_tensors
from poolwise.encoders.conversion.torch_file import open_torch
from poolwise.encoders.safetensors_file import MAX_TENSORS
from poolwise.encoders.untrusted_files import MEGABYTE, safe_name
from poolwise.encoders.weight_formats import KERAS
from poolwise.encoders.weights import select_names
from poolwise.errors import EncoderError, MissingExtraError, needs

MEMORY = 1 << 30
"""Bytes of memory: several times the need of the largest pickle and piece."""

TOKENIZER_MEMORY = 4 << 30
"""Bytes of memory for transformers, torch and a vocabulary."""

SECONDS = 20
"""Processor time before any values are read."""

MIN_BYTES_PER_SECOND = 10 * MEGABYTE
"""The speed on which the time for writing values is based."""

MAX_MODULE = 1 << 30
"""Bytes of all tensors of a module after the encoder: a Dense of 16,384 x 16,384."""


def encoder(out: str, *paths: str) -> None:
    """Write the encoder's tensors to the safetensors file ``out``, a few pieces in memory.

    ``paths`` are the files to read, and the folder of config.json. Other tensors, such as heads,
    are written too while they are not larger than the encoder.
    """
    *files, folder = paths
    tensors, size = _open(files)
    config = read_config(Path(folder) / "config.json")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    selected = select_names(shapes, config, Path(folder))
    needed = {name.stored for name in selected.names.values()}
    for name in needed:
        if tensors[name].fault:
            sys.exit(f"refused, of {safe_name(name)} {tensors[name].fault}")
    nbytes = sum(tensors[name].nbytes for name in needed)
    if nbytes > size:
        sys.exit(f"refused, {size:,} bytes would unfold to {nbytes:,}")
    room, names_left_out = nbytes, []
    for name in sorted(tensors.keys() - needed, key=lambda name: tensors[name].nbytes):
        room -= tensors[name].nbytes
        if tensors[name].fault or room < 0:
            names_left_out.append(name)
    _write(out, {name: t for name, t in tensors.items() if name not in names_left_out})
    for name in sorted(names_left_out):
        print(safe_name(name))


def module(out: str, *files: str) -> None:
    """Write the tensors of a module after the encoder to the safetensors file ``out``."""
    tensors, size = _open(files)
    for name, tensor in tensors.items():
        if tensor.fault:
            sys.exit(f"refused, of {safe_name(name)} {tensor.fault}")
    if (nbytes := sum(tensor.nbytes for tensor in tensors.values())) > min(size, MAX_MODULE):
        sys.exit(f"refused, {size:,} bytes would unfold to {nbytes:,}, at most {MAX_MODULE:,}")
    _write(out, tensors)


def _open(files: Sequence[str]) -> tuple[dict[str, StoredTensor], int]:
    """The tensors of all files, and the files' size in bytes."""
    _limit(SECONDS)
    tensors: dict[str, StoredTensor] = {}
    for path in map(Path, files):
        open_file = open_keras if path.suffix == Path(KERAS[0]).suffix else open_torch
        tensors |= open_file(path)
        if len(tensors) > MAX_TENSORS:
            raise ConversionError(f"refused, more than {MAX_TENSORS:,} tensors")
    return tensors, sum(path.stat().st_size for path in map(Path, files))


def _write(out: str, tensors: Mapping[str, StoredTensor]) -> None:
    _limit(SECONDS + sum(tensor.nbytes for tensor in tensors.values()) // MIN_BYTES_PER_SECOND)
    write_tensors(Path(out), tensors)


def tokenizer(out: str, folder: str) -> None:
    """Write the tokenizer.json of a folder that has only a SentencePiece model."""
    for package in ("sentencepiece", "google.protobuf"):
        if not _installed(package):
            sys.exit("reading a SentencePiece model needs: pip install sentencepiece protobuf")
    with needs("torch", "reading a SentencePiece model"):
        from transformers import AutoTokenizer  # noqa: PLC0415

    _limit(10 * SECONDS, TOKENIZER_MEMORY)
    pretrained = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    pretrained.backend_tokenizer.save(out)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _limit(seconds: int, memory: int = MEMORY) -> None:
    """Limit the memory of this process, without mapped files, and its processor time."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        memory = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        seconds = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)


TASKS: dict[str, Callable[..., None]] = {
    "encoder": encoder,
    "module": module,
    "tokenizer": tokenizer,
}

if __name__ == "__main__":
    try:
        TASKS[sys.argv[1]](*sys.argv[2:])
    except (MissingExtraError, EncoderError, ConversionError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"cannot be read or written: {error.strerror or error}")
    except MemoryError:
        sys.exit("refused, reading it takes more memory than any encoder's file does")
