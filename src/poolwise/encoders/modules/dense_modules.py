"""The modules after Pooling in their folders: Dense, LayerNorm, Normalize, Dropout."""

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
from poolwise.encoders.untrusted_files import abridge, read_object
from poolwise.encoders.weight_formats import PICKLES, WEIGHTS
from poolwise.errors import EncoderError
from poolwise.records import Floats

CONFIG = "config.json"

SENTENCE_EMBEDDING = "sentence_embedding"
"""The default input and output of a module."""

_PRELU = "PReLU"

MAX_SIZE = 65_536


def replaces_sentence_embedding(folder: Path) -> bool:
    """Whether a module reads the pooled vector and replaces it."""
    path = folder / CONFIG
    config = read_object(path) if path.exists() else {}
    source = config.get("module_input_name", SENTENCE_EMBEDDING)
    target = config.get("module_output_name")
    return bool(source == SENTENCE_EMBEDDING and target in (None, SENTENCE_EMBEDDING))


def read_layer(kind: str, folder: Path) -> DenseStackLayer | None:
    """The module of this kind in its folder; None for Dropout, which has no effect here.

    Raises EncoderError for a folder that lacks files or holds something else.
    """
    return READERS[kind](folder)


def _dense(folder: Path) -> DenseLayer:
    config = required_config(folder, "Dense")
    activation = _activation(config.get("activation_function", "torch.nn.Tanh"), folder)
    inputs, outputs = (_size(config, name, folder) for name in ("in_features", "out_features"))
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (outputs, inputs)}
    if config.get("bias", True):
        shapes["linear.bias"] = (outputs,)
    if activation == _PRELU:
        shapes["activation_function.weight"] = (1,)
    residual = bool(config.get("use_residual"))
    if residual and inputs != outputs:
        shapes["residual.weight"] = (outputs, inputs)
    if activation == HALVING and (residual or outputs % 2):
        raise EncoderError(f"{folder / CONFIG}: GLU halves {outputs} dimensions: they do not fit")
    return DenseLayer(_tensors(folder, shapes), activation, residual)


def _norm(folder: Path) -> NormLayer:
    size = _size(required_config(folder, "LayerNorm"), "dimension", folder)
    return NormLayer(_tensors(folder, {"norm.weight": (size,), "norm.bias": (size,)}))


READERS: Mapping[str, Callable[[Path], DenseStackLayer | None]] = {
    "Dense": _dense,
    "LayerNorm": _norm,
    "Normalize": lambda folder: NormalizeLayer(),
    "Dropout": lambda folder: None,
}


def _activation(name: Any, folder: Path) -> str:
    """The name of a class of torch.nn. Raises EncoderError for any other."""
    package, _, last = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if not package.startswith("torch.") or last not in (*ACTIVATIONS, _PRELU):
        known = ", ".join((*ACTIVATIONS, _PRELU))
        raise EncoderError(
            f"{folder / CONFIG}: activation_function is {abridge(name)}, expected a class of "
            f"torch.nn: {known}"
        )
    return str(last)


def _size(config: Mapping[str, Any], name: str, folder: Path) -> int:
    size = config.get(name)
    if type(size) is not int or not 0 < size <= MAX_SIZE:
        raise EncoderError(
            f"{folder / CONFIG}: {name} is {abridge(size)}, expected a whole number from 1 to "
            f"{MAX_SIZE:,}"
        )
    return size


def required_config(folder: Path, kind: str) -> dict[str, Any]:
    """The config.json of a module of this kind. Raises EncoderError where there is none."""
    if not (folder / CONFIG).exists():
        raise EncoderError(
            f"{folder}: modules.json names this folder as {kind}, but it has no {CONFIG}; the "
            "download or copy of the model is not complete"
        )
    return read_object(folder / CONFIG)


def _tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Floats]:
    """The weights of a module. Raises EncoderError unless names and shapes are exactly these."""
    path = folder / WEIGHTS
    if not path.exists() and (folder / PICKLES[0]).exists():
        raise EncoderError(
            f"{folder}: has only {PICKLES[0]}, a pickle, which could run code when read. Convert "
            "the model's folder first: poolwise convert FOLDER OUT"
        )
    if not path.exists():
        raise EncoderError(f"{folder}: has no {WEIGHTS}; the copy of the model is not complete")
    file = open_safetensors(path)
    stored = {name: entry.shape for name, entry in file.entries.items()}
    if stored != shapes:
        text = f"{stored}"[:400]
        raise EncoderError(f"{path}: holds {text}, but {CONFIG} asks for {dict(shapes)}")
    return file.read(shapes)
