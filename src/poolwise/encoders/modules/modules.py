"""A model's folder: where its encoder's files are, and the readout that it declares.

sentence-transformers declares a readout by its modules, poolwise in poolwise.json.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from poolwise.encoders.modules.declared_readout import ModuleEntry, read_declared
from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.encoders.modules.prompts import Prompts, SimilarityName, read_prompts
from poolwise.encoders.modules.transformer_module import TransformerModule, read_transformer
from poolwise.encoders.untrusted_files import (
    MEGABYTE,
    as_object,
    read_json,
    read_object,
    resolve_inside,
)
from poolwise.errors import EncoderError, ReadoutError
from poolwise.readouts import Readout, parse

POOLWISE_JSON = "poolwise.json"
"""The file of a fine-tuned checkpoint or an export; its ``readout`` is the one that was trained."""

MAX_POOLWISE_JSON = 16 * MEGABYTE

MAX_MODULES = 32


@dataclass(frozen=True)
class Modules:
    """The contents of modules.json and the files beside it, or of poolwise.json.

    ``transformer`` says where the encoder's files are and how they are read. ``declared`` is None
    where the folder declares no readout, or none that can be expressed: ``inexpressible`` then
    names the modules. ``dense_stack`` holds the layers that the readout's step ``dense`` applies.
    """

    transformer: TransformerModule
    declared: Readout | None = None
    dense_stack: DenseStack | None = None
    prompts: Prompts = field(default_factory=Prompts)
    similarity: SimilarityName = "cosine"
    inexpressible: str = ""

    @property
    def encoder(self) -> Path:
        """The folder of the encoder's own files."""
        return self.transformer.folder


def read_modules(folder: Path) -> Modules:
    """The modules of a folder; one without modules.json holds the encoder's files itself."""
    if not (folder / "modules.json").exists():
        return _read_poolwise_json(folder / POOLWISE_JSON, read_transformer(folder))
    entries = _read_entries(folder / "modules.json")
    if not entries or entries[0][0] != "Transformer":
        first = repr(entries[0][0] or "a custom module") if entries else "none"
        raise EncoderError(
            f"{folder / 'modules.json'}: the first module is {first}, expected "
            "sentence-transformers' Transformer"
        )
    transformer = read_transformer(entries[0][1])
    declared = read_declared(entries, transformer.config)
    prompts, similarity = read_prompts(folder, pooled=declared.pools_prompt)
    return Modules(
        transformer,
        declared=declared.readout,
        dense_stack=declared.dense_stack,
        prompts=prompts,
        similarity=similarity,
        inexpressible=declared.inexpressible,
    )


def _read_entries(path: Path) -> list[ModuleEntry]:
    items = read_json(path)
    if not isinstance(items, list) or len(items) > MAX_MODULES:
        raise EncoderError(f"{path}: expected a list of at most {MAX_MODULES} modules")
    entries = []
    for item in items:
        kind = str(as_object(item, str(path)).get("type"))
        stock = kind.startswith("sentence_transformers.")
        folder = resolve_inside(path.parent, item.get("path", ""), str(path))
        entries.append((kind.rpartition(".")[2] if stock else "", folder))
    return entries


def _read_poolwise_json(path: Path, transformer: TransformerModule) -> Modules:
    content = read_object(path, MAX_POOLWISE_JSON) if path.exists() else {}
    if not content:
        return Modules(transformer)
    pooled = content.get("prompt_pooled") is not False
    prompts, similarity = read_prompts(path.parent, pooled=pooled)
    modules = Modules(transformer, prompts=prompts, similarity=similarity)
    if content.get("attention") is True:
        return replace(modules, inexpressible="learned attention")
    try:
        readout = parse(content["readout"]) if type(content.get("readout")) is str else None
    except ReadoutError as error:
        raise EncoderError(f"{path}: {error}") from error
    return replace(modules, declared=readout)
