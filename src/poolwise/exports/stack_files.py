"""A sentence-transformers folder: what lies in it beside the encoder."""

from __future__ import annotations

from pathlib import Path

from poolwise.encoders import Encoder
from poolwise.encoders.saving import (
    write_json,
    write_prompts,
    write_tensors,
)
from poolwise.exports.stack import Stack


def write_stack(stack: Stack, encoder: Encoder, folder: Path, *, lower_case: bool) -> None:
    """Write the modules of ``stack`` on ``encoder``, whose own files are in ``folder`` already."""
    places = ["", *(f"{i}_{module.kind}" for i, module in enumerate(stack.modules, 1))]
    listed = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, place) in enumerate(zip(stack.names, places, strict=True))
    ]
    write_json(folder / "modules.json", listed)
    settings = {"max_seq_length": encoder.max_length, "do_lower_case": lower_case}
    write_json(folder / "sentence_bert_config.json", settings)
    write_prompts(encoder, folder)
    for module, place in zip(stack.modules, places[1:], strict=True):
        if module.config:
            (folder / place).mkdir()
            write_json(folder / place / "config.json", module.config)
        if module.tensors:
            write_tensors(folder / place, module.tensors)
