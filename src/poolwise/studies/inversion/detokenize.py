"""Token ids as text, with the tokens that match a reference marked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tokenizers import decoders

from poolwise.encoders.tokenizer import Tokenizer

Pieces = list[tuple[str, bool]]
"""Consecutive texts, and whether each matches the reference."""


@dataclass(frozen=True, slots=True)
class Detokenizer:
    """Decodes ids by the conventions of the tokenizer's vocabulary: ``play ##ing`` is
    ``playing``."""

    tokenizer: Tokenizer
    decoder: Any

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Detokenizer:
        """For any of the vocabularies that an encoder may have."""
        model = json.loads(tokenizer.spec)["model"]
        if model["type"] in {"WordPiece", "WordLevel"}:
            prefix = model.get("continuing_subword_prefix") or "##"
            return cls(tokenizer, decoders.WordPiece(prefix, cleanup=False))
        byte_level = "ByteLevel" in tokenizer.spec
        return cls(tokenizer, decoders.ByteLevel() if byte_level else decoders.Metaspace())

    def text(self, ids: Sequence[int]) -> str:
        """The ids as text."""
        return str(self.decoder.decode([self.tokenizer.token(i) for i in ids]))

    def compare(self, ids: Sequence[int], reference: Sequence[int]) -> Pieces:
        """The ids as text; each token of ``reference`` matches as often as it occurs there."""
        remaining = Counter(reference)
        matches = []
        for i in ids:
            matches.append(remaining[i] > 0)
            remaining[i] -= 1
        pieces: Pieces = []
        end, previous = 0, ""
        for matched, run in groupby(matches):
            end += len(list(run))
            text = self.text(ids[:end])
            pieces.append((text[len(previous) :], matched))
            previous = text
        return pieces
