"""The checkpoint of a folder: found, checked against the family's table, under canonical names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from poolwise.encoders.config import Config
from poolwise.encoders.families import Family
from poolwise.encoders.files import as_object, inside, read_object
from poolwise.encoders.safetensors_file import (
    MAX_HEADER,
    MAX_TENSORS,
    SafetensorsFile,
    open_safetensors,
)
from poolwise.encoders.tables import Shape
from poolwise.errors import EncoderError, UnsafeModelError
from poolwise.records import Floats

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
MAX_SHARDS = 256

# Constants that old checkpoints carry along, and DeBERTa's positions where the config has none.
_IGNORED = (
    "embeddings.position_ids",
    "embeddings.token_type_ids",
    "embeddings.position_embeddings.weight",
)
_OLD_ENDS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a canonical tensor lies, and what it is called there."""

    file: SafetensorsFile
    name: str

    @property
    def shape(self) -> Shape:
        return self.file.entries[self.name].shape


def read_weights(folder: Path, config: Config) -> Mapping[str, Floats]:
    """The tensors of the encoder, float32, named as in transformers' ``AutoModel``.

    The pooler's are among them if the checkpoint has them. Raises EncoderError unless names and
    shapes are exactly those that the config asks for.
    """
    family = config.family
    sources = _canonical(_files(folder), family, folder)
    expected = family.shapes(config.values)
    with_pooler = family.shapes(config.values, pooler=True)
    if any(name in sources for name in with_pooler.keys() - expected.keys()):
        expected = with_pooler
    _check_names(sources, expected, family, folder)
    for name, shape in expected.items():
        found = sources[name].shape
        if found != shape:
            raise EncoderError(
                f"{folder}: {name} has shape {found}, but config.json asks for {shape}"
            )
    return MappingProxyType({n: sources[n].file.read(sources[n].name) for n in expected})


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
                f"{folder}: the module's config_kwargs ({_some(sorted(overridden))}) ask for "
                f"{name} {shape}, which the checkpoint does not have"
            )
    return MappingProxyType({name: tensors[name] for name in expected})


def _files(folder: Path) -> list[SafetensorsFile]:
    if (folder / WEIGHTS).exists():
        return [open_safetensors(folder / WEIGHTS)]
    if (folder / INDEX).exists():
        return _shards(folder)
    for name in PICKLES:
        if (folder / name).exists():
            raise EncoderError(
                f"{folder}: has only {name}, a pickle, which could run code when read. Convert it "
                f"first: poolwise convert {folder} OUT"
            )
    raise EncoderError(
        f"{folder}: has no {WEIGHTS}. If the model comes only as {PICKLES[0]}, put that file "
        "beside config.json in a folder of your own and convert it: poolwise convert FOLDER OUT"
    )


def _shards(folder: Path) -> list[SafetensorsFile]:
    index = folder / INDEX
    where = as_object(read_object(index, MAX_HEADER).get("weight_map"), f"{index}: weight_map")
    paths = {name: inside(folder, shard, str(index)) for name, shard in where.items()}
    shards = sorted(set(paths.values()))
    if len(shards) > MAX_SHARDS or len(paths) > MAX_TENSORS:
        raise UnsafeModelError(f"{index}: {len(paths):,} tensors in {len(shards):,} files")
    files = [open_safetensors(path) for path in shards]
    held = [(name, file.path) for file in files for name in file.entries]
    if len(held) != len(paths) or dict(held) != paths:
        wrong = sorted({name for name, _ in held} ^ paths.keys())
        raise EncoderError(f"{index}: does not list what the files hold: {_some(wrong)}")
    return files


def _canonical(
    files: Iterable[SafetensorsFile], family: Family, folder: Path
) -> dict[str, _Source]:
    sources: dict[str, _Source] = {}
    for file in files:
        for name in file.entries:
            canonical = name.removeprefix(family.prefix)
            for old, new in _OLD_ENDS.items():
                if canonical.endswith(old):
                    canonical = canonical.removesuffix(old) + new
            if canonical in sources:
                raise EncoderError(
                    f"{folder}: both {sources[canonical].name} and {name} are {canonical}"
                )
            sources[canonical] = _Source(file, name)
    return sources


def _check_names(
    sources: Mapping[str, _Source], expected: Mapping[str, Shape], family: Family, folder: Path
) -> None:
    missing = [name for name in expected if name not in sources]
    if missing:
        raise EncoderError(
            f"{folder}: not a complete {family.name} encoder as config.json describes it; "
            f"missing: {_some(missing)}"
        )
    known = (*family.heads, *_IGNORED)
    unknown = [
        source.name
        for name, source in sources.items()
        if name not in expected and not name.startswith(known)
    ]
    if unknown:
        raise EncoderError(
            f"{folder}: not a {family.name} encoder as config.json describes it; "
            f"unknown tensors: {_some(unknown)}"
        )


def _some(names: Iterable[str], most: int = 8) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(name[:100] for name in listed[:most]) + more
