"""A model's folder: where its encoder lies and which readout it declares.

sentence-transformers declares one by its modules, poolwise in the checkpoints that it has tuned.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from poolwise.encoders.modules.declared_readout import Listed, declared
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
"""What a fine-tuned checkpoint says of itself; ``readout`` is what its linear layer reads."""

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
        """The folder of the encoder itself."""
        return self.transformer.folder


def read_modules(folder: Path) -> Modules:
    """Read modules.json if there is one; a folder without is its own encoder."""
    if not (folder / "modules.json").exists():
        return _tuned(folder / POOLWISE_JSON, read_transformer(folder))
    listed = _listed(folder / "modules.json")
    if not listed or listed[0][0] != "Transformer":
        first = repr(listed[0][0] or "a custom module") if listed else "none"
        raise EncoderError(
            f"{folder / 'modules.json'}: the first module is {first}, expected "
            "sentence-transformers' Transformer"
        )
    transformer = read_transformer(listed[0][1])
    found = declared(listed, transformer.config)
    prompts, similarity = read_prompts(folder, pooled=found.pools_prompt)
    return Modules(
        transformer,
        declared=found.readout,
        dense_stack=found.dense_stack,
        prompts=prompts,
        similarity=similarity,
        inexpressible=found.inexpressible,
    )


def _listed(path: Path) -> list[Listed]:
    """(class name, folder) of each module; the name is empty unless the class is a stock one."""
    found = read_json(path)
    if not isinstance(found, list) or len(found) > MAX_MODULES:
        raise EncoderError(f"{path}: expected a list of at most {MAX_MODULES} modules")
    modules = []
    for item in found:
        place = str(path)
        kind = str(as_object(item, place).get("type"))
        stock = kind.startswith("sentence_transformers.")
        folder = resolve_inside(path.parent, item.get("path", ""), place)
        modules.append((kind.rpartition(".")[2] if stock else "", folder))
    return modules


def _tuned(path: Path, transformer: TransformerModule) -> Modules:
    """What poolwise.json says: what the linear layer of a checkpoint reads, or an export."""
    about = read_object(path, MAX_POOLWISE_JSON) if path.exists() else {}
    if not about:
        return Modules(transformer)
    pooled = about.get("prompt_pooled") is not False
    prompts, similarity = read_prompts(path.parent, pooled=pooled)
    plain = Modules(transformer, prompts=prompts, similarity=similarity)
    if about.get("attention") is True:
        return replace(plain, inexpressible="learned attention")
    try:
        read = parse(about["readout"]) if type(about.get("readout")) is str else None
    except ReadoutError as error:
        raise EncoderError(f"{path}: {error}") from error
    return replace(plain, declared=read)
