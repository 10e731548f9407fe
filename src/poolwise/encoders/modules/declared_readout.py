"""What a list of sentence-transformers' modules declares: a readout, with layers of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.encoders.config_keys import MAX_BLOCKS
from poolwise.encoders.modules.dense_modules import (
    READERS,
    needed_config,
    read_layer,
    reads_sentences,
)
from poolwise.encoders.modules.dense_stack import DenseStack, DenseStackLayer, NormalizeLayer
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.untrusted_files import describe, read_object
from poolwise.encoders.weight_formats import WEIGHTS
from poolwise.errors import EncoderError
from poolwise.readouts import POOL_OF_MODE, POOLING_MODES, Readout, parse

Listed = tuple[str, Path]
"""A module's class name, empty unless it is a stock one, and its folder."""

_POOLS = {setting: POOL_OF_MODE[mode] for mode, setting in POOLING_MODES.items()}

_FLAGS = {f"pooling_mode_{mode}": setting for mode, setting in POOLING_MODES.items()}
"""In the order in which the vectors of several stand side by side."""


@dataclass(frozen=True)
class Declared:
    """``readout`` is None where no readout expresses the modules, named by ``inexpressible``.

    ``dense_stack`` holds the layers that the readout's step ``dense`` applies. ``pools_prompt`` is
    False where the tokens of a prompt are left out of pooling.
    """

    readout: Readout | None = None
    dense_stack: DenseStack | None = None
    pools_prompt: bool = True
    inexpressible: str = ""


def declared(modules: Sequence[Listed], config: Mapping[str, Any]) -> Declared:
    """What the modules, the Transformer first, make of a text. Raises EncoderError.

    ``config`` is what the Transformer says above its config.json.
    """
    _, *rest = modules
    mixing = [folder for kind, folder in rest[:1] if kind == "WeightedLayerPooling"]
    pooling, *behind = rest[len(mixing) :] or [("", Path())]
    if pooling[0] != "Pooling" or any(kind not in READERS for kind, _ in behind):
        return _inexpressible(modules)
    if not all(reads_sentences(folder) for _, folder in behind):
        return _inexpressible(modules, " over single tokens")
    found = needed_config(pooling[1], "Pooling")
    modes = _modes(found)
    if not modes or len(set(modes)) < len(modes) or not set(modes) <= _POOLS.keys():
        return Declared(inexpressible=f"the pooling {' + '.join(modes) or 'of nothing'}")
    layers = _layers(modules[0][1], config, mixing)
    if not layers:
        return _inexpressible(modules, " (hidden states that config.json keeps, or no weights)")
    pools = "+".join(_POOLS[mode] for mode in modes)
    before, dense_stack, after = _divided([read_layer(kind, folder) for kind, folder in behind])
    steps = [*["l2"] * before, *["dense"] * (dense_stack is not None), *["l2"] * after]
    readout = parse("|".join([f"{pools}@{layers}", *steps]))
    return Declared(readout, dense_stack, bool(found.get("include_prompt", True)))


def _inexpressible(modules: Sequence[Listed], how: str = "") -> Declared:
    names = " → ".join(kind or "a custom module" for kind, _ in modules)
    return Declared(inexpressible=names + how)


def _divided(layers: Sequence[DenseStackLayer | None]) -> tuple[bool, DenseStack | None, bool]:
    """Whether vectors are normalised first, the layers from the first to the last that learned
    something, and whether they are normalised at the end."""
    kept = [layer for layer in layers if layer is not None]
    learned = [i for i, layer in enumerate(kept) if not isinstance(layer, NormalizeLayer)]
    if not learned:
        return False, None, bool(kept)
    first, last = learned[0], learned[-1]
    return first > 0, DenseStack(tuple(kept[first : last + 1])), last < len(kept) - 1


def _modes(config: Mapping[str, Any]) -> list[str]:
    """The pooling modes, from either of the two dialects of 1_Pooling/config.json."""
    given = config.get("pooling_mode")
    if given is None:
        return [mode for flag, mode in _FLAGS.items() if config.get(flag)] or ["mean"]
    return [describe(mode).strip("'") for mode in (given if isinstance(given, list) else [given])]


def _layers(encoder: Path, config: Mapping[str, Any], mixing: Sequence[Path]) -> str:
    """The layers that are read, as a readout writes them; empty where they cannot be."""
    if not mixing:
        return "-1"
    states = {**read_object(encoder / "config.json"), **config}.get("output_hidden_states")
    if states is not True:
        return ""
    weights = _weights(mixing[0])
    return _mixed(weights) if sum(weights.values()) else ""


def _weights(folder: Path) -> dict[int, float]:
    """Each layer's weight in a WeightedLayerPooling, without zeros. Raises EncoderError."""
    config, path = folder / "config.json", folder / WEIGHTS
    if not (config.exists() and path.exists()):
        raise EncoderError(
            f"{folder}: modules.json names this folder as WeightedLayerPooling, but it lacks "
            f"{path.name if config.exists() else config.name}"
        )
    first, file = read_object(config).get("layer_start", 4), open_safetensors(path)
    if type(first) is not int or first not in range(MAX_BLOCKS):
        raise EncoderError(f"{config}: layer_start is {describe(first)}")
    if "layer_weights" not in file.entries:
        raise EncoderError(f"{path}: holds no layer_weights")
    found = file.read(["layer_weights"])["layer_weights"].flat
    return {layer: float(weight) for layer, weight in enumerate(found, first) if weight}


def _mixed(weights: Mapping[int, float]) -> str:
    """The layers as a readout has them; the module divides by the sum of the weights."""
    total = sum(weights.values())
    if len(weights) == 1:
        return str(*weights)
    if len(set(weights.values())) == 1:
        return f"avg({','.join(map(str, weights))})"
    return f"weights({','.join(f'{k}={weight / total!r}' for k, weight in weights.items())})"
