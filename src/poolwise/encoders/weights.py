"""The checkpoint of a folder: found, and checked against the family's table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
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
from poolwise.encoders.weight_formats import WEIGHTS, without_weights
from poolwise.encoders.weight_names import TensorName, in_encoder, is_head, read_name
from poolwise.errors import EncoderError, UnsafeModelError, listed
from poolwise.records import Floats

INDEX = "model.safetensors.index.json"
MAX_SHARDS = 256
WIDTH = 4
"""Bytes of a weight in memory, a float32."""


@dataclass(frozen=True, slots=True)
class Weights:
    """``tensors`` as in ``Encoder``; ``notes`` say which others were left aside."""

    tensors: Mapping[str, Floats]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """``names``: of each tensor that the config asks for, its name in the checkpoint; ``notes`` as
    in ``Weights``."""

    names: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_weights(folder: Path, config: Config) -> Weights:
    """The tensors of the encoder, float32, named as in transformers' ``AutoModel``.

    The pooler's are among them if the checkpoint has them. Raises EncoderError unless names and
    shapes are exactly those that the config asks for. Tensors that lie outside the encoder are left
    aside.
    """
    files = {name: file for file in _files(folder) for name in file.entries}
    found = asked({name: file.entries[name].shape for name, file in files.items()}, config, folder)
    return Weights(MappingProxyType(_read(found.names, files)), found.notes)


def asked(shapes: Mapping[str, Shape], config: Config, folder: Path) -> Asked:
    """What of a checkpoint's tensors the config asks for, told by their names and shapes alone.

    Raises EncoderError as ``read_weights`` does.
    """
    family = config.family
    names = _names(shapes, family, folder)
    expected = family.shapes(config.values)
    with_pooler = family.shapes(config.values, pooler=True)
    if any(name in names for name in with_pooler.keys() - expected.keys()):
        expected = with_pooler
    notes = _check_names(names, expected, config, folder)
    for name, shape in expected.items():
        found = shapes[names[name].whole]
        if found != shape:
            raise EncoderError(
                f"{folder}: {name} has shape {found}, but config.json asks for {shape}"
            )
    _check_memory(expected.values(), folder)
    return Asked({name: names[name].whole for name in expected}, notes)


def select(
    tensors: Mapping[str, Floats], config: Config, overridden: Iterable[str], folder: Path
) -> Mapping[str, Floats]:
    """Those of ``tensors`` that ``config`` asks for, which is not config.json's own any more.

    ``overridden`` names what it says otherwise. As transformers, blocks may be left out.
    """
    expected = config.family.shapes(config.values)
    with_pooler = config.family.shapes(config.values, pooler=True)
    if any(name in tensors for name in with_pooler.keys() - expected.keys()):
        expected = with_pooler
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
    raise without_weights(folder)


def _shards(folder: Path) -> list[SafetensorsFile]:
    index = folder / INDEX
    place = as_object(read_object(index, MAX_HEADER).get("weight_map"), f"{index}: weight_map")
    paths = {name: resolve_inside(folder, shard, str(index)) for name, shard in place.items()}
    shards = sorted(set(paths.values()))
    if len(shards) > MAX_SHARDS or len(paths) > MAX_TENSORS:
        raise UnsafeModelError(f"{index}: {len(paths):,} tensors in {len(shards):,} files")
    files = [open_safetensors(path) for path in shards]
    held = [(name, file.path) for file in files for name in file.entries]
    if len(held) != len(paths) or dict(held) != paths:
        wrong = sorted({name for name, _ in held} ^ paths.keys())
        raise EncoderError(
            f"{index}: does not list what the files hold: {listed(wrong, safe_name)}"
        )
    return files


def _read(names: Mapping[str, str], files: Mapping[str, SafetensorsFile]) -> dict[str, Floats]:
    """Each tensor by the encoder's own name for it; those of one file are read together."""
    held: dict[Path, list[str]] = {}
    for whole in names.values():
        held.setdefault(files[whole].path, []).append(whole)
    found = {
        whole: tensor
        for wholes in held.values()
        for whole, tensor in files[wholes[0]].read(wholes).items()
    }
    return {own: found[whole] for own, whole in names.items()}


def memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_memory(shapes: Iterable[Shape], folder: Path) -> None:
    """Files with holes hold terabytes; no encoder runs that is larger than the memory."""
    needed = WIDTH * sum(map(prod, shapes))
    there = memory()
    if needed > there:
        raise EncoderError(
            f"{folder}: config.json asks for weights of {needed:,} bytes, but this machine has "
            f"{there:,} bytes of memory"
        )


def _names(wholes: Iterable[str], family: Family, folder: Path) -> dict[str, TensorName]:
    """Every tensor's name under the encoder's own for it."""
    names: dict[str, TensorName] = {}
    for whole in wholes:
        name = read_name(whole, family)
        other = names.get(name.own)
        if other is not None and in_encoder(name, family):
            raise EncoderError(
                f"{folder}: both {safe_name(other.whole)} and {safe_name(whole)} are {name.own}"
            )
        names[name.own] = name
    return names


def _check_names(
    names: Mapping[str, TensorName], expected: Mapping[str, Shape], config: Config, folder: Path
) -> tuple[str, ...]:
    """Refuse what the encoder lacks or has too many; a note on what lies beside it."""
    family = config.family
    missing = [name for name in expected if name not in names]
    if missing:
        raise EncoderError(
            f"{folder}: not a complete {family.name} encoder as config.json describes it; "
            f"missing: {listed(missing, safe_name)}"
        )
    beside = [
        name for own, name in names.items() if own not in expected and not is_head(own, family)
    ]
    # Without a prefix the maker's own class may hold anything at its top.
    all_in = config.has_code and not all(names[own].held for own in expected)
    unknown = [name.whole for name in beside if all_in or in_encoder(name, family)]
    if unknown:
        raise EncoderError(
            f"{folder}: not a {family.name} encoder as config.json describes it; "
            f"unknown tensors: {listed(unknown, safe_name)}"
        )
    if not beside:
        return ()
    left = listed((name.whole for name in beside), safe_name, limit=4)
    return (f"tensors that are no part of {family.name} are left aside: {left}",)
