"""Tokens as text again, with those marked that came back."""

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
"""Texts that follow each other, and whether each came back."""


@dataclass(frozen=True, slots=True)
class Detokenizer:
    """Writes ids as the tokenizer's kind of vocabulary is read: ``play ##ing`` as ``playing``."""

    tokenizer: Tokenizer
    decoder: Any

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Detokenizer:
        """For any of the vocabularies that an encoder may have."""
        model = json.loads(tokenizer.spec)["model"]
        if model["type"] in {"WordPiece", "WordLevel"}:
            prefix = model.get("continuing_subword_prefix") or "##"
            return cls(tokenizer, decoders.WordPiece(prefix, cleanup=False))
        bytes_ = "ByteLevel" in tokenizer.spec
        return cls(tokenizer, decoders.ByteLevel() if bytes_ else decoders.Metaspace())

    def text(self, ids: Sequence[int]) -> str:
        """The ids as text."""
        return str(self.decoder.decode([self.tokenizer.token(i) for i in ids]))

    def beside(self, ids: Sequence[int], reference: Sequence[int]) -> Pieces:
        """The ids as text; a token came back as often as it stands in ``reference`` too."""
        left = Counter(reference)
        back = []
        for i in ids:
            back.append(left[i] > 0)
            left[i] -= 1
        pieces: Pieces = []
        end, before = 0, ""
        for kept, run in groupby(back):
            end += len(list(run))
            whole = self.text(ids[:end])
            pieces.append((whole[len(before) :], kept))
            before = whole
        return pieces
