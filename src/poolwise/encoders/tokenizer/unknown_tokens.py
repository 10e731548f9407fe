"""Texts that a vocabulary does not know: most of their tokens are the unknown one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.records import TokenizedText

ENOUGH = 10
"""Fewer tokens than these say nothing of a vocabulary."""

MOST = 0.5
"""A share of unknown tokens beyond which vectors hold little of the texts."""

_CASED = 0.05


class UnknownTokens:
    """How many of the texts' own tokens are unknown, counted as the texts pass."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.tokens = 0
        self.unknown = 0

    def add(self, texts: Sequence[TokenizedText]) -> None:
        """Count the tokens of ``texts``; special ones around a text are not its own."""
        windows = [window for text in texts for window in text.windows]
        if not windows or self._tokenizer.unknown is None:
            return
        ids = np.concatenate([window.ids for window in windows])
        special = np.concatenate([window.special for window in windows])
        self.tokens += int((~special).sum())
        self.unknown += int(((ids == self._tokenizer.unknown) & ~special).sum())

    def notes(self) -> Iterator[str]:
        """What the user must know: nothing, where the vocabulary knows the texts."""
        if self.tokens < ENOUGH or self.unknown <= MOST * self.tokens:
            return
        assert self._tokenizer.unknown is not None
        name = self._tokenizer.token(self._tokenizer.unknown)
        yield (
            f"{self.unknown:,} of {self.tokens:,} tokens are {name}: the vocabulary does not know "
            f"these texts, and their vectors hold little of them. {_reason(self._tokenizer.spec)}"
        )


def _reason(spec: str) -> str:
    """What is likely: letters in a case that the vocabulary lacks, or another language."""
    found = json.loads(spec)
    vocab = found["model"]["vocab"]
    pieces = [*vocab] if isinstance(vocab, dict) else [piece for piece, _ in vocab]
    special = {token["content"] for token in found["added_tokens"]}
    words = [piece for piece in pieces if piece not in special and piece.lower() != piece.upper()]
    capital = sum(piece != piece.lower() for piece in words) > _CASED * len(words)
    lowers = any(_lowers(step) for step in _steps(found["normalizer"]))
    if capital and lowers:
        return (
            "It has capital letters, but texts are lowered: do_lower_case in tokenizer_config.json "
            "may be missing or wrong (false keeps capitals)"
        )
    if not capital and not lowers:
        return (
            "It has no capital letters, and texts are not lowered: do_lower_case in "
            "tokenizer_config.json may be missing or wrong"
        )
    return "Their language or script may not be the model's"


def _steps(node: Any) -> Iterable[Any]:
    if isinstance(node, dict) and node.get("type") == "Sequence":
        return [inner for child in node["normalizers"] for inner in _steps(child)]
    return [node] if isinstance(node, dict) else []


def _lowers(step: dict[str, Any]) -> bool:
    return step.get("type") == "Lowercase" or step.get("lowercase") is True
