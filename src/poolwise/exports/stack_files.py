"""Stock modules as the files that sentence-transformers reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poolwise.encoders import Encoder
from poolwise.encoders.saving import (
    write_json,
    write_prompts,
    write_tensors,
)
from poolwise.exports.modules import Module


def write_modules(modules: Sequence[Module], folder: Path) -> None:
    """Write ``modules``, which follow the encoder, whose own files are in ``folder`` itself."""
    kinds = ("Transformer", *(module.kind for module in modules))
    places = ["", *(f"{i}_{module.kind}" for i, module in enumerate(modules, 1))]
    listed = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, place) in enumerate(zip(kinds, places, strict=True))
    ]
    write_json(folder / "modules.json", listed)
    for module, place in zip(modules, places[1:], strict=True):
        if module.config:
            (folder / place).mkdir()
            write_json(folder / place / "config.json", module.config)
        if module.tensors:
            write_tensors(folder / place, module.tensors)


def write_settings(encoder: Encoder, folder: Path, *, lower_case: bool) -> None:
    """Write the maximum length of texts, whether they are lowered, and the prompts before them."""
    settings = {"max_seq_length": encoder.max_length, "do_lower_case": lower_case}
    write_json(folder / "sentence_bert_config.json", settings)
    write_prompts(encoder, folder)
