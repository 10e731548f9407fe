"""The readout that a list of sentence-transformers' modules declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.encoders.config_keys import MAX_BLOCKS
from poolwise.encoders.modules.dense_modules import (
    READERS,
    read_layer,
    replaces_sentence_embedding,
    required_config,
)
from poolwise.encoders.modules.dense_stack import DenseStack, DenseStackLayer, NormalizeLayer
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.untrusted_files import abridge, read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.errors import EncoderError
from poolwise.readouts import POOL_OF_MODE, POOLING_MODES, Readout, parse

ModuleEntry = tuple[str, Path]
"""A module's class name, empty for classes outside sentence-transformers, and its folder."""

_POOLS = {setting: POOL_OF_MODE[mode] for mode, setting in POOLING_MODES.items()}

_FLAGS = {f"pooling_mode_{mode}": setting for mode, setting in POOLING_MODES.items()}
"""In the order in which Pooling concatenates the vectors of several modes."""


@dataclass(frozen=True)
class DeclaredReadout:
    """``readout`` is None where no readout expresses the modules, named by ``inexpressible``.

    ``dense_stack`` holds the layers that the readout's step ``dense`` applies. ``pools_prompt`` is
    False where the tokens of a prompt are left out of pooling.
    """

    readout: Readout | None = None
    dense_stack: DenseStack | None = None
    pools_prompt: bool = True
    inexpressible: str = ""


def read_declared(modules: Sequence[ModuleEntry], config: Mapping[str, Any]) -> DeclaredReadout:
    """The readout that the modules, the Transformer first, compute. Raises EncoderError.

    ``config`` holds the Transformer's overrides of its config.json.
    """
    following = modules[1:]
    mixing = [folder for kind, folder in following[:1] if kind == "WeightedLayerPooling"]
    pooling, *dense = following[len(mixing) :] or [("", Path())]
    if pooling[0] != "Pooling" or any(kind not in READERS for kind, _ in dense):
        return _inexpressible(modules)
    if not all(replaces_sentence_embedding(folder) for _, folder in dense):
        return _inexpressible(modules, " over single tokens")
    pooling_config = required_config(pooling[1], "Pooling")
    modes = _modes(pooling_config)
    if not modes or len(set(modes)) < len(modes) or not set(modes) <= _POOLS.keys():
        return DeclaredReadout(inexpressible=f"the pooling {' + '.join(modes) or 'of nothing'}")
    layers = _layers(modules[0][1], config, mixing)
    if not layers:
        return _inexpressible(modules, " (hidden states that config.json keeps, or no weights)")
    pools = "+".join(_POOLS[mode] for mode in modes)
    l2_before, stack, l2_after = _split([read_layer(kind, folder) for kind, folder in dense])
    steps = [*["l2"] * l2_before, *["dense"] * (stack is not None), *["l2"] * l2_after]
    readout = parse("|".join([f"{pools}@{layers}", *steps]))
    return DeclaredReadout(readout, stack, bool(pooling_config.get("include_prompt", True)))


def _inexpressible(modules: Sequence[ModuleEntry], reason: str = "") -> DeclaredReadout:
    names = " → ".join(kind or "a custom module" for kind, _ in modules)
    return DeclaredReadout(inexpressible=names + reason)


def _split(layers: Sequence[DenseStackLayer | None]) -> tuple[bool, DenseStack | None, bool]:
    """Whether vectors are normalised first, the layers from the first to the last with weights, and
    whether vectors are normalised at the end."""
    active = [layer for layer in layers if layer is not None]
    weighted = [i for i, layer in enumerate(active) if not isinstance(layer, NormalizeLayer)]
    if not weighted:
        return False, None, bool(active)
    first, last = weighted[0], weighted[-1]
    return first > 0, DenseStack(tuple(active[first : last + 1])), last < len(active) - 1


def _modes(config: Mapping[str, Any]) -> list[str]:
    """The pooling modes, from either of the two forms of 1_Pooling/config.json."""
    value = config.get("pooling_mode")
    if value is None:
        return [mode for flag, mode in _FLAGS.items() if config.get(flag)] or ["mean"]
    return [abridge(mode).strip("'") for mode in (value if isinstance(value, list) else [value])]


def _layers(encoder: Path, config: Mapping[str, Any], mixing: Sequence[Path]) -> str:
    """The layers in the grammar of readouts; empty where no readout expresses them."""
    if not mixing:
        return "-1"
    states = {**read_object(encoder / "config.json"), **config}.get("output_hidden_states")
    if states is not True:
        return ""
    weights = _layer_weights(mixing[0])
    return _weighted_layers(weights) if sum(weights.values()) else ""


def _layer_weights(folder: Path) -> dict[int, float]:
    """Each layer's weight in a WeightedLayerPooling, without zeros. Raises EncoderError."""
    config, path = folder / "config.json", folder / WEIGHTS
    if not (config.exists() and path.exists()):
        raise EncoderError(
            f"{folder}: modules.json names this folder as WeightedLayerPooling, but it lacks "
            f"{path.name if config.exists() else config.name}"
        )
    first, file = read_object(config).get("layer_start", 4), open_safetensors(path)
    if type(first) is not int or first not in range(MAX_BLOCKS):
        raise EncoderError(f"{config}: layer_start is {abridge(first)}")
    if "layer_weights" not in file.entries:
        raise EncoderError(f"{path}: holds no layer_weights")
    values = file.read(["layer_weights"])["layer_weights"].flat
    return {layer: float(weight) for layer, weight in enumerate(values, first) if weight}


def _weighted_layers(weights: Mapping[int, float]) -> str:
    """The layers in the grammar of readouts; the module divides by the sum of the weights."""
    total = sum(weights.values())
    if len(weights) == 1:
        return str(*weights)
    if len(set(weights.values())) == 1:
        return f"avg({','.join(map(str, weights))})"
    return f"weights({','.join(f'{k}={weight / total!r}' for k, weight in weights.items())})"
