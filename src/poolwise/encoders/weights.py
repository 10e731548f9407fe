"""The weights of a folder: read, and checked against the family's table of tensors."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType

from poolwise.encoders.config import Config
from poolwise.encoders.families import Family
from poolwise.encoders.safetensors_file import (
    MAX_HEADER,
    MAX_TENSORS,
    SafetensorsFile,
    open_safetensors,
)
from poolwise.encoders.tensor_tables import Shape
from poolwise.encoders.untrusted_files import as_object, read_object, resolve_inside, safe_name
from poolwise.encoders.weight_formats import WEIGHTS, missing_weights
from poolwise.encoders.weight_names import TensorName, in_encoder, is_head, read_names
from poolwise.errors import EncoderError, UnsafeModelError, listed
from poolwise.machine import memory
from poolwise.records import Floats

INDEX = "model.safetensors.index.json"
MAX_SHARDS = 256

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Weights:
    """``tensors`` as in ``Encoder``; ``notes`` name tensors that were ignored."""

    tensors: Mapping[str, Floats]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectedNames:
    """``names`` maps each tensor of the encoder to its name in the checkpoint; ``notes`` as in
    ``Weights``."""

    names: Mapping[str, TensorName]
    notes: tuple[str, ...] = ()


def read_weights(folder: Path, config: Config) -> Weights:
    """The tensors of the encoder, float32, named as in transformers' ``AutoModel``.

    Those of the pooler are among them if the checkpoint has them, and not all are zero. Tensors
    outside the encoder are ignored. Raises EncoderError unless names and shapes are exactly those
    of the config.
    """
    files = {name: file for file in _files(folder) for name in file.entries}
    shapes = {name: file.entries[name].shape for name, file in files.items()}
    selected = select_names(shapes, config, folder)
    tensors = _without_zero_pooler(_read(selected.names, files), config.family)
    return Weights(MappingProxyType(tensors), selected.notes)


def _without_zero_pooler(tensors: dict[str, Floats], family: Family) -> dict[str, Floats]:
    """``tensors`` without a pooler of zeros, which exports hold in the place of none: the vectors
    that it gives are all zero."""
    pooler = [name for name in tensors if family.pooler and name.startswith(f"{family.pooler}.")]
    if any(tensors[name].any() for name in pooler):
        return tensors
    return {name: tensor for name, tensor in tensors.items() if name not in pooler}


def select_names(shapes: Mapping[str, Shape], config: Config, folder: Path) -> SelectedNames:
    """The tensors of a checkpoint that the config requires, by their names and shapes alone.

    Raises EncoderError as ``read_weights`` does.
    """
    names = _names(shapes, config.family, folder)
    expected = _expected(names, config)
    notes = _check_names(names, expected, config, folder)
    for name, shape in expected.items():
        stored, rows = shapes[names[name].stored], shape[0] * names[name].parts
        if stored != (rows, *shape[1:]):
            raise EncoderError(
                f"{folder}: {name} has shape {stored}, but config.json asks for "
                f"{(rows, *shape[1:])}"
            )
    _check_memory(expected.values(), folder)
    return SelectedNames({name: names[name] for name in expected}, notes)


def _expected(names: Container[str], config: Config) -> dict[str, Shape]:
    """The shapes of an encoder's tensors, the pooler's among them if ``names`` has one of it."""
    expected = config.family.shapes(config.values)
    with_pooler = config.family.shapes(config.values, pooler=True)
    has_pooler = any(name in names for name in with_pooler.keys() - expected.keys())
    return with_pooler if has_pooler else expected


def select_tensors(
    tensors: Mapping[str, Floats], config: Config, overridden: Iterable[str], folder: Path
) -> Mapping[str, Floats]:
    """The tensors that ``config`` requires after overrides of config.json.

    ``overridden`` names the keys that differ. As in transformers, blocks may be left out.
    """
    expected = _expected(tensors, config)
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            raise EncoderError(
                f"{folder}: the module's config_kwargs ({listed(sorted(overridden), safe_name)}) "
                f"ask for {name} {shape}, which the checkpoint does not have"
            )
    return MappingProxyType({name: tensors[name] for name in expected})


def _files(folder: Path) -> list[SafetensorsFile]:
    if (folder / WEIGHTS).exists():
        return [open_safetensors(folder / WEIGHTS)]
    if (folder / INDEX).exists():
        return _shards(folder)
    raise missing_weights(folder)


def _shards(folder: Path) -> list[SafetensorsFile]:
    index = folder / INDEX
    weight_map = as_object(read_object(index, MAX_HEADER).get("weight_map"), f"{index}: weight_map")
    paths = {name: resolve_inside(folder, shard, str(index)) for name, shard in weight_map.items()}
    shards = sorted(set(paths.values()))
    if len(shards) > MAX_SHARDS or len(paths) > MAX_TENSORS:
        raise UnsafeModelError(f"{index}: {len(paths):,} tensors in {len(shards):,} files")
    files = [open_safetensors(path) for path in shards]
    stored = [(name, file.path) for file in files for name in file.entries]
    if len(stored) != len(paths) or dict(stored) != paths:
        wrong = sorted({name for name, _ in stored} ^ paths.keys())
        raise EncoderError(
            f"{index}: does not list what the files hold: {listed(wrong, safe_name)}"
        )
    return files


def _read(
    names: Mapping[str, TensorName], files: Mapping[str, SafetensorsFile]
) -> dict[str, Floats]:
    """Each tensor by its canonical name; those of one file are read together."""
    names_of_file: dict[Path, list[str]] = {}
    for stored in dict.fromkeys(name.stored for name in names.values()):
        names_of_file.setdefault(files[stored].path, []).append(stored)
    tensors = {
        stored: tensor
        for group in names_of_file.values()
        for stored, tensor in files[group[0]].read(group).items()
    }
    return {name: _part(tensors[stored.stored], stored) for name, stored in names.items()}


def _part(tensor: Floats, name: TensorName) -> Floats:
    rows = len(tensor) // name.parts
    return tensor[name.part * rows : (name.part + 1) * rows] if name.parts > 1 else tensor


def _check_memory(shapes: Iterable[Shape], folder: Path) -> None:
    """Raise EncoderError for weights beyond the memory: a sparse file may claim terabytes."""
    needed, available = FLOAT_BYTES * sum(map(prod, shapes)), memory()
    if needed > available:
        raise EncoderError(
            f"{folder}: config.json asks for weights of {needed:,} bytes, but this machine has "
            f"{available:,} bytes of memory"
        )


def _names(stored: Iterable[str], family: Family, folder: Path) -> dict[str, TensorName]:
    """The names of all tensors by their canonical names."""
    names: dict[str, TensorName] = {}
    for name in (name for stored_name in stored for name in read_names(stored_name, family)):
        other = names.get(name.canonical)
        if other is not None and in_encoder(name, family):
            raise EncoderError(
                f"{folder}: both {safe_name(other.stored)} and {safe_name(name.stored)} are "
                f"{name.canonical}"
            )
        names[name.canonical] = name
    return names


def _check_names(
    names: Mapping[str, TensorName], expected: Mapping[str, Shape], config: Config, folder: Path
) -> tuple[str, ...]:
    """A note on ignored tensors. Raises EncoderError for missing tensors and unknown ones."""
    family = config.family
    missing = [name for name in expected if name not in names]
    if missing:
        raise EncoderError(
            f"{folder}: not a complete {family.name} encoder as config.json describes it; "
            f"missing: {listed(missing, safe_name)}"
        )
    extra = [
        name
        for canonical, name in names.items()
        if canonical not in expected and not is_head(canonical, family)
    ]
    # Without a prefix, a class of the maker's own may hold anything at its top.
    all_count = config.has_code and not all(names[name].prefixed for name in expected)
    unknown_names = [name.stored for name in extra if all_count or in_encoder(name, family)]
    if unknown_names:
        raise EncoderError(
            f"{folder}: not a {family.name} encoder as config.json describes it; "
            f"unknown tensors: {listed(unknown_names, safe_name)}"
        )
    if not extra:
        return ()
    ignored = listed((name.stored for name in extra), safe_name, limit=4)
    return (f"tensors that are no part of {family.name} are left aside: {ignored}",)
