"""The modules behind Pooling as their folders hold them: Dense, LayerNorm, Normalize, Dropout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.modules.activations import ACTIVATIONS, HALVING
from poolwise.encoders.modules.dense_stack import (
    DenseLayer,
    DenseStackLayer,
    NormalizeLayer,
    NormLayer,
)
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.untrusted_files import describe, read_object
from poolwise.encoders.weight_formats import PICKLES, WEIGHTS
from poolwise.errors import EncoderError
from poolwise.records import Floats

CONFIG = "config.json"

SENTENCE = "sentence_embedding"
"""What a module reads and writes unless its config names something else."""

_LEARNED_SLOPE = "PReLU"

MAX_SIZE = 65_536


def reads_sentences(folder: Path) -> bool:
    """Whether a module reads the pooled vector and replaces it."""
    found = _config(folder)
    read = found.get("module_input_name", SENTENCE)
    written = found.get("module_output_name")
    return bool(read == SENTENCE and written in (None, SENTENCE))


def read_layer(kind: str, folder: Path) -> DenseStackLayer | None:
    """The module of this kind in its folder; None for Dropout, which does nothing here.

    Raises EncoderError, naming it, for one that lacks its files or holds something else.
    """
    return READERS[kind](folder)


def _dense(folder: Path) -> DenseLayer:
    config = needed_config(folder, "Dense")
    activation = _activation(config.get("activation_function", "torch.nn.Tanh"), folder)
    takes, gives = (_size(config, name, folder) for name in ("in_features", "out_features"))
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (gives, takes)}
    if config.get("bias", True):
        shapes["linear.bias"] = (gives,)
    if activation == _LEARNED_SLOPE:
        shapes["activation_function.weight"] = (1,)
    residual = bool(config.get("use_residual"))
    if residual and takes != gives:
        shapes["residual.weight"] = (gives, takes)
    if activation == HALVING and (residual or gives % 2):
        raise EncoderError(f"{folder / CONFIG}: GLU halves {gives} dimensions: they do not fit")
    return DenseLayer(_tensors(folder, shapes), activation, residual)


def _norm(folder: Path) -> NormLayer:
    size = _size(needed_config(folder, "LayerNorm"), "dimension", folder)
    return NormLayer(_tensors(folder, {"norm.weight": (size,), "norm.bias": (size,)}))


READERS: Mapping[str, Callable[[Path], DenseStackLayer | None]] = {
    "Dense": _dense,
    "LayerNorm": _norm,
    "Normalize": lambda folder: NormalizeLayer(),
    "Dropout": lambda folder: None,
}


def _activation(name: Any, folder: Path) -> str:
    """The class of torch that the config names. Raises EncoderError for any other."""
    path, _, last = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if not path.startswith("torch.") or last not in (*ACTIVATIONS, _LEARNED_SLOPE):
        known = ", ".join((*ACTIVATIONS, _LEARNED_SLOPE))
        raise EncoderError(
            f"{folder / CONFIG}: activation_function is {describe(name)}, expected a class of "
            f"torch.nn: {known}"
        )
    return str(last)


def _size(config: Mapping[str, Any], name: str, folder: Path) -> int:
    size = config.get(name)
    if type(size) is not int or not 0 < size <= MAX_SIZE:
        raise EncoderError(
            f"{folder / CONFIG}: {name} is {describe(size)}, expected a whole number from 1 to "
            f"{MAX_SIZE:,}"
        )
    return size


def _config(folder: Path) -> dict[str, Any]:
    return read_object(folder / CONFIG) if (folder / CONFIG).exists() else {}


def needed_config(folder: Path, kind: str) -> dict[str, Any]:
    """What the config.json of a module of this kind says. Raises EncoderError without one."""
    if not (folder / CONFIG).exists():
        raise EncoderError(
            f"{folder}: modules.json names this folder as {kind}, but it has no {CONFIG}; the "
            "download or copy of the model is not complete"
        )
    return read_object(folder / CONFIG)


def _tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Floats]:
    """The weights, which must be these and no others."""
    path = folder / WEIGHTS
    if not path.exists() and (folder / PICKLES[0]).exists():
        raise EncoderError(
            f"{folder}: has only {PICKLES[0]}, a pickle, which could run code when read. Convert "
            "the model's folder first: poolwise convert FOLDER OUT"
        )
    if not path.exists():
        raise EncoderError(f"{folder}: has no {WEIGHTS}; the copy of the model is not complete")
    file = open_safetensors(path)
    found = {name: entry.shape for name, entry in file.entries.items()}
    if found != shapes:
        held = f"{found}"[:400]
        raise EncoderError(f"{path}: holds {held}, but {CONFIG} asks for {dict(shapes)}")
    return file.read(shapes)
