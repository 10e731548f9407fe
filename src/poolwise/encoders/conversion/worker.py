"""The process that opens a pickle: ``python -m poolwise.encoders.conversion.worker``.

Its arguments are a task (encoder, module, tokenizer), the file to write, and what to read. It
reads what a file says of its tensors first, and of their values only what the encoder needs. Its
last line on stderr says why it failed; a line on stdout names each tensor that it left out.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from poolwise.encoders.config import read_config
from poolwise.encoders.conversion.keras_file import open_keras
from poolwise.encoders.conversion.stored_tensors import Stored, StoredError, write_stored
from poolwise.encoders.conversion.torch_file import open_torch
from poolwise.encoders.safetensors_file import MAX_TENSORS
from poolwise.encoders.untrusted_files import MEGABYTE, safe_name
from poolwise.encoders.weight_formats import KERAS
from poolwise.encoders.weights import select_names
from poolwise.errors import EncoderError, MissingExtraError, needs

MEMORY = 1 << 30
"""Bytes: several times what the largest of pickles and of pieces take."""

TOKENIZER_MEMORY = 4 << 30
"""The same for transformers and torch, and a vocabulary."""

SECONDS = 20
"""Of computing, before any values are read."""

SLOWEST = 10 * MEGABYTE
"""Bytes a second at which values are written at least."""

MAX_MODULE = 1 << 30
"""Bytes of all tensors of a module behind the encoder: a Dense of 16,384 x 16,384."""


def encoder(out: str, *given: str) -> None:
    """Write the encoder's tensors to the safetensors file ``out``, in memory of a few pieces.

    ``given`` are the files to read, and the folder of the config.json that says what is needed.
    Other tensors, such as heads, come along where they are not more than the encoder itself.
    """
    *files, folder = given
    tensors, size = _open(files)
    config = read_config(Path(folder) / "config.json")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    needed = set(select_names(shapes, config, Path(folder)).names.values())
    for name in needed:
        if tensors[name].fault:
            sys.exit(f"refused, of {safe_name(name)} {tensors[name].fault}")
    most = sum(tensors[name].nbytes for name in needed)
    if most > size:
        sys.exit(f"refused, {size:,} bytes would unfold to {most:,}")
    beside, left_out = most, []
    for name in sorted(tensors.keys() - needed, key=lambda name: tensors[name].nbytes):
        beside -= tensors[name].nbytes
        if tensors[name].fault or beside < 0:
            left_out.append(name)
    _write(out, {name: t for name, t in tensors.items() if name not in left_out})
    for name in sorted(left_out):
        print(safe_name(name))


def module(out: str, *files: str) -> None:
    """Write the tensors of a module behind the encoder to the safetensors file ``out``."""
    tensors, size = _open(files)
    for name, tensor in tensors.items():
        if tensor.fault:
            sys.exit(f"refused, of {safe_name(name)} {tensor.fault}")
    if (found := sum(tensor.nbytes for tensor in tensors.values())) > min(size, MAX_MODULE):
        sys.exit(f"refused, {size:,} bytes would unfold to {found:,}, at most {MAX_MODULE:,}")
    _write(out, tensors)


def _open(files: Sequence[str]) -> tuple[dict[str, Stored], int]:
    """What the files hold together, and their size in bytes."""
    _limit(SECONDS)
    tensors: dict[str, Stored] = {}
    for path in map(Path, files):
        read = open_keras if path.suffix == Path(KERAS[0]).suffix else open_torch
        tensors |= read(path)
        if len(tensors) > MAX_TENSORS:
            raise StoredError(f"refused, more than {MAX_TENSORS:,} tensors")
    return tensors, sum(path.stat().st_size for path in map(Path, files))


def _write(out: str, tensors: Mapping[str, Stored]) -> None:
    _limit(SECONDS + sum(tensor.nbytes for tensor in tensors.values()) // SLOWEST)
    write_stored(Path(out), tensors)


def tokenizer(out: str, folder: str) -> None:
    """Write the tokenizer.json of a folder that has only a SentencePiece model."""
    for package in ("sentencepiece", "google.protobuf"):
        if not _installed(package):
            sys.exit("reading a SentencePiece model needs: pip install sentencepiece protobuf")
    with needs("torch", "reading a SentencePiece model"):
        from transformers import AutoTokenizer  # noqa: PLC0415

    _limit(10 * SECONDS, TOKENIZER_MEMORY)
    made = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    made.backend_tokenizer.save(out)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _limit(seconds: int, memory: int = MEMORY) -> None:
    """The most memory of this process, mapped files apart, and its computing from its start."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        seconds = seconds if most == resource.RLIM_INFINITY else min(seconds, most)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)


TASKS: dict[str, Callable[..., None]] = {
    "encoder": encoder,
    "module": module,
    "tokenizer": tokenizer,
}

if __name__ == "__main__":
    try:
        TASKS[sys.argv[1]](*sys.argv[2:])
    except (MissingExtraError, EncoderError, StoredError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"cannot be read or written: {error.strerror or error}")
    except MemoryError:
        sys.exit("refused, reading it takes more memory than any encoder's file does")
