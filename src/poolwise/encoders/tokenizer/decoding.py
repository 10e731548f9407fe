"""Tokens back to a text: the library's decoder that belongs to a vocabulary of this kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenizers import decoders

from poolwise.encoders.tokenizer.spec import Spec


def decoder_of(spec: Spec) -> decoders.Decoder:
    """The decoder of a checked tokenizer.json.

    It follows from the model and the pre-tokenizer, as transformers builds it for its classes: a
    stranger's own decoder, which may hold any regular expression, is not read.
    """
    model, steps = spec["model"], {step.get("type"): step for step in _steps(spec["pre_tokenizer"])}
    if model["type"] in ("WordPiece", "WordLevel"):
        return decoders.WordPiece(prefix=model.get("continuing_subword_prefix") or "##")
    if "ByteLevel" in steps:
        return decoders.ByteLevel()
    if "Metaspace" in steps or model["type"] == "Unigram":
        mark = steps.get("Metaspace", {}).get("replacement", "▁")
        return decoders.Metaspace(replacement=mark)
    return decoders.BPEDecoder(suffix=model.get("end_of_word_suffix") or "</w>")


def _steps(node: Any) -> Iterator[Spec]:
    """A pre-tokenizer's steps, one after the other."""
    if not isinstance(node, dict):
        return
    if node.get("type") != "Sequence":
        yield node
        return
    for child in node.get("pretokenizers") or ():
        yield from _steps(child)
