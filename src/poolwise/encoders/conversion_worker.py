"""The process that opens a pickle: ``python -m poolwise.encoders.conversion_worker``.

Its arguments are a task (weights, keras, tokenizer), the file to write, and what to read. The only
place in this room that imports torch and transformers. Its last line on stderr says why it failed.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from poolwise.encoders.keras_file import read_keras
from poolwise.errors import MissingExtraError, needs


def weights(out: str, *pickles: str) -> None:
    """Write the tensors of the pickles to the safetensors file ``out``."""
    with needs("torch", "reading a pickle"):
        import torch  # noqa: PLC0415
        from safetensors.torch import save_file  # noqa: PLC0415

    _limit_memory(sum(os.path.getsize(path) for path in pickles))  # noqa: PTH202
    tensors: dict[str, Any] = {}
    for path in pickles:
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            sys.exit(f"refused, it holds more than tensors: {_reason(error)}")
        if not isinstance(found, Mapping) or not all(
            isinstance(name, str) and isinstance(tensor, torch.Tensor)
            for name, tensor in found.items()
        ):
            sys.exit("it is not a state dict (tensor names and tensors)")
        # A safetensors file cannot hold two names for the same memory.
        tensors |= {name: tensor.detach().contiguous().clone() for name, tensor in found.items()}
    save_file(tensors, out, metadata={"format": "pt"})


def keras(out: str, *files: str) -> None:
    """Write the tensors that transformers wrote for TensorFlow to the safetensors file ``out``."""
    from safetensors.numpy import save_file  # noqa: PLC0415

    _limit_memory(sum(os.path.getsize(path) for path in files))  # noqa: PTH202
    tensors: dict[str, Any] = {}
    for path in files:
        try:
            tensors |= read_keras(path)
        except (ValueError, OSError) as error:
            sys.exit(_reason(error))
    save_file(tensors, out, metadata={"format": "pt"})


def tokenizer(out: str, folder: str) -> None:
    """Write the tokenizer.json of a folder that has only a SentencePiece model."""
    for package in ("sentencepiece", "google.protobuf"):
        if not _installed(package):
            sys.exit("reading a SentencePiece model needs: pip install sentencepiece protobuf")
    with needs("torch", "reading a SentencePiece model"):
        from transformers import AutoTokenizer  # noqa: PLC0415

    made = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    made.backend_tokenizer.save(out)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _limit_memory(size: int) -> None:
    """A pickle of ``size`` bytes must not unfold to many times that."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        most = 4 * size + (32 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "Unsupported" in line), lines[0] if lines else "")


TASKS: dict[str, Callable[..., None]] = {
    "weights": weights,
    "keras": keras,
    "tokenizer": tokenizer,
}

if __name__ == "__main__":
    try:
        TASKS[sys.argv[1]](*sys.argv[2:])
    except MissingExtraError as error:
        sys.exit(str(error))
