"""A count of unknown tokens, and a note on texts of which most tokens are unknown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.records import TokenizedText

MIN_TOKENS = 10
"""Fewer tokens than these make no note."""

MAX_SHARE = 0.5
"""The share of unknown tokens above which a note is made."""

_MIN_CAPITALIZED = 0.05
"""The share of pieces with capital letters above which a vocabulary is cased."""


class UnknownTokens:
    """The numbers of tokens and of unknown tokens in the texts so far, special tokens excluded."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.n_tokens = 0
        self.n_unknown = 0

    def add(self, texts: Sequence[TokenizedText]) -> None:
        """Count the tokens of ``texts``."""
        unknown = self._tokenizer.unk_token_id
        if unknown is None:
            return
        for window in (window for text in texts for window in text.windows):
            self.n_tokens += window.n_text
            if unknown in window.ids.tolist():
                self.n_unknown += int(np.count_nonzero((window.ids == unknown) & ~window.special))

    def notes(self) -> Iterator[str]:
        """A sentence if more than ``MAX_SHARE`` of the tokens are unknown."""
        if self.n_tokens < MIN_TOKENS or self.n_unknown <= MAX_SHARE * self.n_tokens:
            return
        assert self._tokenizer.unk_token_id is not None
        name = self._tokenizer.token(self._tokenizer.unk_token_id)
        yield (
            f"{self.n_unknown:,} of {self.n_tokens:,} tokens are {name}: the vocabulary does not "
            f"know these texts, and their vectors hold little of them. "
            f"{_reason(self._tokenizer.spec)}"
        )


def _reason(spec: str) -> str:
    """The likely reason: letters in a case that the vocabulary lacks, or another language."""
    contents = json.loads(spec)
    vocab = contents["model"]["vocab"]
    pieces = [*vocab] if isinstance(vocab, dict) else [piece for piece, _ in vocab]
    special = {token["content"] for token in contents["added_tokens"]}
    words = [piece for piece in pieces if piece not in special and piece.lower() != piece.upper()]
    cased = sum(piece != piece.lower() for piece in words) > _MIN_CAPITALIZED * len(words)
    lowers = any(_lowers(step) for step in _steps(contents["normalizer"]))
    if cased and lowers:
        return (
            "It has capital letters, but texts are lowered: do_lower_case in tokenizer_config.json "
            "may be missing or wrong (false keeps capitals)"
        )
    if not cased and not lowers:
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
