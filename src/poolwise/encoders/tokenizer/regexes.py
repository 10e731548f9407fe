"""Regular expressions in a tokenizer.json that are known to take linear time."""

from __future__ import annotations

import re

WORDS = (
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
"""The patterns with which GPT-2, GPT-4, Llama 3 and Qwen split words."""

_SPACES = (" {2,}", r"\s{2,}|[\n\r\t]", r"\s+", r"\s{2,}", " +", r"[\n\r\t]", r"[\r\n]", r"\n")
DIGITS = (r"\d", r"\p{N}", r"\d{1,3}", r"\p{N}{1,3}", "[0-9]", "[0-9][0-9][0-9]", r"\d+")

_LINEAR = frozenset((*WORDS, *_SPACES, *DIGITS))

_ONE_CHARACTER = re.compile(r"[^\\\[\]().*+?{}|^$\s]|\\[nrtsdwSDW]")


def is_linear(pattern: object) -> bool:
    """Whether matching is known to take time in proportion to the text."""
    return pattern in _LINEAR or (
        isinstance(pattern, str) and _ONE_CHARACTER.fullmatch(pattern) is not None
    )
