"""A model's folder: where its encoder lies and which readout it declares.

sentence-transformers declares one by its modules, poolwise in the checkpoints that it has tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poolwise.encoders.files import (
    MEGABYTE,
    as_object,
    describe,
    inside,
    read_json,
    read_object,
)
from poolwise.encoders.keys import MAX_BLOCKS
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.encoders.weights import WEIGHTS
from poolwise.errors import EncoderError, ReadoutError
from poolwise.readouts import Readout, parse

ABOUT = "poolwise.json"
"""What a fine-tuned checkpoint says of itself; ``readout`` is what its linear layer reads."""

LARGEST_ABOUT = 16 * MEGABYTE

MAX_MODULES = 32

_ORDER = ("Transformer", "WeightedLayerPooling", "Pooling", "Normalize")

_POOLS = {
    "cls": "cls",
    "mean": "mean",
    "max": "max",
    "mean_sqrt_len_tokens": "sqrtmean",
    "weightedmean": "wmean",
    "lasttoken": "sep",
}

_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class Modules:
    """What modules.json and its neighbours, or poolwise.json, say.

    ``encoder`` is the folder of the encoder itself; ``declared`` is None where nothing is declared
    or nothing that a readout can express, and a note then says so.
    """

    encoder: Path
    declared: Readout | None = None
    max_length: int | None = None
    lower_case: bool = False
    notes: tuple[str, ...] = ()


def read_modules(folder: Path) -> Modules:
    """Read modules.json if there is one; a folder without is its own encoder."""
    if not (folder / "modules.json").exists():
        declared, notes = _tuned(folder / ABOUT)
        return replace(_encoder_module(folder), declared=declared, notes=notes)
    listed = _listed(folder / "modules.json")
    if not listed or listed[0][0] != "Transformer":
        raise EncoderError(
            f"{folder / 'modules.json'}: the first module is not sentence-transformers' Transformer"
        )
    encoder = _encoder_module(listed[0][1])
    declared, notes = _declared(listed)
    return Modules(
        encoder.encoder,
        declared,
        encoder.max_length,
        encoder.lower_case,
        (*notes, *_prompt_note(folder)),
    )


def _listed(path: Path) -> list[tuple[str, Path]]:
    """(class name, folder) of each module; the name is empty unless the class is a stock one."""
    found = read_json(path)
    if not isinstance(found, list) or len(found) > MAX_MODULES:
        raise EncoderError(f"{path}: expected a list of at most {MAX_MODULES} modules")
    modules = []
    for item in found:
        where = str(path)
        kind = str(as_object(item, where).get("type"))
        stock = kind.startswith("sentence_transformers.")
        folder = inside(path.parent, item.get("path", ""), where)
        modules.append((kind.rpartition(".")[2] if stock else "", folder))
    return modules


def _encoder_module(folder: Path) -> Modules:
    path = folder / "sentence_bert_config.json"
    if not path.exists():
        return Modules(folder)
    found = read_object(path)
    length = found.get("max_seq_length")
    if length is not None and (type(length) is not int or length < 1):
        raise EncoderError(f"{path}: max_seq_length is {describe(length)}, expected a whole number")
    return Modules(folder, max_length=length, lower_case=found.get("do_lower_case") is True)


def _tuned(path: Path) -> tuple[Readout | None, tuple[str, ...]]:
    """What the linear layer of a checkpoint reads, and a note where that is no readout."""
    about = read_object(path, LARGEST_ABOUT) if path.exists() else {}
    if about.get("attention") is True:
        return None, ("was tuned to read by learned attention, which no readout expresses",)
    try:
        return (parse(about["readout"]) if type(about.get("readout")) is str else None), ()
    except ReadoutError as error:
        raise EncoderError(f"{path}: {error}") from error


def _declared(listed: list[tuple[str, Path]]) -> tuple[Readout | None, tuple[str, ...]]:
    names = [name or "a custom module" for name, _ in listed]
    folders = dict(listed)
    needed = [name for name in names if name not in ("WeightedLayerPooling", "Normalize")]
    order = [name for name in _ORDER if name in names]
    if needed != ["Transformer", "Pooling"] or names != order:
        return None, (f"declares {' → '.join(names)}, which no readout expresses",)
    modes = _modes(read_object(folders["Pooling"] / "config.json"))
    if len(modes) != 1 or modes[0] not in _POOLS:
        return None, (f"declares the pooling {' + '.join(modes)}, which no readout expresses",)
    layers = "-1"
    if "WeightedLayerPooling" in names:
        weights = _weights(folders["Transformer"], folders["WeightedLayerPooling"])
        if not sum(weights.values()):
            return None, ("declares a WeightedLayerPooling without weights or layers to read",)
        layers = _mixed(weights)
    return parse(f"{_POOLS[modes[0]]}@{layers}" + ("|l2" if "Normalize" in names else "")), ()


def _weights(encoder: Path, folder: Path) -> dict[int, float]:
    """Each layer's weight in a WeightedLayerPooling, without zeros.

    None at all where it lacks its files, or the encoder keeps its hidden states to itself.
    """
    states, config, path = encoder / "config.json", folder / "config.json", folder / WEIGHTS
    if not (states.exists() and config.exists() and path.exists()):
        return {}
    first, file = read_object(config).get("layer_start"), open_safetensors(path)
    told = read_object(states).get("output_hidden_states") is True
    if not told or type(first) is not int or first not in range(MAX_BLOCKS):
        return {}
    found = file.read("layer_weights").flat if "layer_weights" in file.entries else ()
    return {layer: float(weight) for layer, weight in enumerate(found, first) if weight}


def _mixed(weights: Mapping[int, float]) -> str:
    """The layers as a readout has them; the module divides by the sum of the weights."""
    total = sum(weights.values())
    if len(weights) == 1:
        return str(*weights)
    if len(set(weights.values())) == 1:
        return f"avg({','.join(map(str, weights))})"
    return f"weights({','.join(f'{k}={weight / total!r}' for k, weight in weights.items())})"


def _modes(config: Mapping[str, Any]) -> list[str]:
    """The pooling modes, from either of the two dialects of 1_Pooling/config.json."""
    given = config.get("pooling_mode")
    if given is None:
        return [mode for flag, mode in _FLAGS.items() if config.get(flag)] or ["mean"]
    return [describe(mode).strip("'") for mode in (given if isinstance(given, list) else [given])]


def _prompt_note(folder: Path) -> tuple[str, ...]:
    path = folder / "config_sentence_transformers.json"
    prompt = read_object(path).get("default_prompt_name") if path.exists() else None
    if not prompt:
        return ()
    return (f"declares the default prompt {describe(prompt)}; poolwise adds no prompt by itself",)
