"""Tokens as they stand in the text, beside which the vocabulary writes ``##ing`` or ``Ġthe``."""

from __future__ import annotations

from dataclasses import dataclass

from poolwise.encoders.tokenizer import Tokenizer
from poolwise.records import Tokens

SPACE = "▁"
"""As SentencePiece's vocabularies write it."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What stands for a token; ``spaced`` says whether a space parts it from what stands before."""

    text: str
    spaced: bool


def surfaces(tokenizer: Tokenizer, text: str, window: Tokens) -> list[Surface]:
    """One for each token of the text's first window.

    Where the text has no characters of a token's own (special tokens, a space alone, the second
    byte of an emoji) it is what the vocabulary writes.
    """
    spans = iter(tokenizer.backend.encode(text, add_special_tokens=False).offsets)
    made: list[Surface] = []
    before, apart = 0, True
    for number, special in zip(window.ids.tolist(), window.special.tolist(), strict=True):
        token = tokenizer.token(number)
        start, end = (before, before) if special else next(spans)
        if token == SPACE and not text[start:end].isspace():
            end = start  # a space that the tokenizer put in has the next character's place
        own = text[max(start, before) : end].strip()
        spaced = apart or special or text[before:end][:1].isspace()
        made.append(Surface(own or token, spaced))
        before, apart = max(before, end), special
    return made
